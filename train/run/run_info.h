// run.json: what a run is judged by and whether it is done, for programs that compare runs.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace zoo {

struct RunInfo {
  std::string program = {};  ///< "train_gpt"; empty: not known
  std::string metric = "loss";
  bool higher_is_better = false;
  std::optional<double> chance = {};  ///< what guessing gives
  int64_t parameters = 0;             ///< 0: not known
  bool finished = false;              ///< reached its end, or stopped early by --patience
  std::string recipe = {};            ///< that it began with; empty: none, or not known
  std::string started = {};           ///< "30 November 2026, 11:39", local time; empty: not known
};

void write_run_info(const std::filesystem::path& run_folder, const RunInfo& info);

/// The time now, as RunInfo::started has it.
std::string time_now();

/// Nothing for a run without the file, as older versions leave it. Throws std::runtime_error for a
/// file that is none of these.
std::optional<RunInfo> read_run_info(const std::filesystem::path& run_folder);

}  // namespace zoo
