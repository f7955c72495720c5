// Run folders made by hand.
#pragma once
#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/files.h"
#include "train/run/metrics.h"
#include "train/run/run_info.h"

namespace zoo::testing {

struct MadeRun {
  std::map<std::string, std::string> options = {};  // as run.toml writes them: "\"none\"", "2"
  std::vector<double> losses = {};                  // validation, every 10 updates from 0
  std::optional<RunInfo> info =
      RunInfo{.program = "train_gpt", .parameters = 1200, .finished = true};
  std::string metric = "loss";
};

inline void make_run(const std::filesystem::path& folder, const MadeRun& run) {
  std::filesystem::create_directories(folder);
  std::string recipe = "# Model\n";
  for (const auto& [key, value] : run.options) recipe += fmt::format("{} = {}\n", key, value);
  write_file(folder / "run.toml", recipe);
  std::string lines;
  int64_t step = 0;
  for (const double loss : run.losses) {
    const auto seconds = std::pair(std::string("elapsed_s"), static_cast<double>(step) / 5);
    if (step > 0)
      lines += to_json_line({step, "train", {{"loss", loss + 0.5}, {"lr", 0.1}, seconds}}) + "\n";
    lines += to_json_line({step, "val", {{run.metric, loss}, seconds}}) + "\n";
    step += 10;
  }
  if (!lines.empty()) write_file(folder / "metrics.jsonl", lines);
  if (run.info) write_run_info(folder, *run.info);
}

}  // namespace zoo::testing
