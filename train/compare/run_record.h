// What a run folder says about its run, for comparisons. Nothing is written.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "train/run/metrics.h"

namespace zoo {

enum class RunState { kFinished, kStopped, kRunning };

struct RunRecord {
  std::filesystem::path folder = {};
  std::string name = {};
  std::string program = {};  ///< "train_gpt"; empty: not known
  /// Of run.toml, in its order: key and value without quotes. Empty without the file.
  std::vector<std::pair<std::string, std::string>> options = {};
  std::string metric = {};  ///< that judges the run
  bool higher_is_better = false;
  std::optional<double> chance = {};
  std::vector<MetricsRecord> metrics = {};
  std::optional<double> parameters = {};
  int64_t updates = 0;                  ///< done
  std::optional<int64_t> planned = {};  ///< updates at which it ends
  std::optional<double> seconds = {};
  RunState state = RunState::kStopped;

  std::optional<std::string> option(std::string_view key) const;
};

/// Whether a metric is better when it is lower, by its name: "loss", "perplexity", ...
bool lower_is_better(std::string_view metric);

/// Whether the folder holds a run.
bool is_run(const std::filesystem::path& folder);

/// Reads a run, also one that is still going, was cut short, or was made by an older version.
/// Throws std::runtime_error, one line, for a damaged file.
RunRecord read_run(const std::filesystem::path& folder);

/// The runs in the folders: a folder without a run of its own stands for the runs directly in it.
/// Names are the folders' own, with as much of the path as tells them apart. Throws
/// std::runtime_error for a folder that holds no run.
std::vector<RunRecord> read_runs(const std::vector<std::string>& folders);

}  // namespace zoo
