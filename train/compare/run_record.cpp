#include "train/compare/run_record.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <set>
#include <stdexcept>

#include "app/recipe.h"
#include "base/files.h"
#include "base/natural_order.h"
#include "train/run/held_folder.h"
#include "train/run/run_folder.h"
#include "train/run/run_info.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

std::vector<std::pair<std::string, std::string>> read_options(const fs::path& file) {
  std::vector<std::pair<std::string, std::string>> options;
  if (!fs::exists(file)) return options;
  try {
    for (const RecipeEntry& entry : parse_recipe(read_file(file, kSmallFile))) {
      options.emplace_back(entry.key, fmt::format("{}", fmt::join(entry.values, ", ")));
    }
  } catch (const CLI::ConfigError& error) {
    throw std::runtime_error(fmt::format("{}: {}", file.string(), error.what()));
  }
  return options;
}

/// What a run of an older version shows in its report: the text between `before` and `after`.
std::string in_report(std::string_view html, std::string_view before, std::string_view after) {
  const size_t end = html.find(after);
  if (end == std::string_view::npos) return {};
  const size_t start = html.rfind(before, end);
  if (start == std::string_view::npos) return {};
  const size_t begin = start + before.size();
  return std::string(html.substr(begin, end - begin));
}

/// A run without run.json. Its report names its metric and its parameters, the latter rounded.
void guess_info(RunRecord& run) {
  const fs::path report = run.folder / "report.html";
  const std::string html = fs::exists(report) ? read_file(report) : std::string();
  run.metric = in_report(html, "best validation ", ", after ");
  const auto millions = in_report(html, "<b>", " M</b><span>parameters</span>");
  if (const double count = std::strtod(millions.c_str(), nullptr); count > 0)
    run.parameters = count * 1e6;
  if (run.metric.empty() || run.metric.size() > 40) run.metric = "loss";
  run.higher_is_better = !lower_is_better(run.metric);
}

bool is_locked(const fs::path& folder) {
  try {
    HeldFolder(folder).lock();
    return false;
  } catch (const std::runtime_error&) {
    return true;
  }
}

/// The name, with so many parts of the path before it.
std::string tail_of(const fs::path& folder, size_t parts) {
  std::vector<fs::path> all(folder.begin(), folder.end());
  fs::path tail;
  for (size_t i = all.size() - std::min(parts, all.size()); i < all.size(); ++i) tail /= all[i];
  return tail.string();
}

void name_apart(std::vector<RunRecord>& runs) {
  for (size_t parts = 1; parts < 20; ++parts) {
    std::set<std::string> names;
    for (RunRecord& run : runs) {
      run.name = tail_of(fs::weakly_canonical(run.folder), parts);
      names.insert(run.name);
    }
    if (names.size() == runs.size()) return;
  }
}

/// The runs that one argument stands for.
std::vector<fs::path> runs_in(const std::string& argument) {
  const fs::path folder = argument;
  if (!fs::is_directory(folder)) {
    throw std::runtime_error(fmt::format(
        "no folder '{}'; name run folders, as the training programs make them with --out",
        argument));
  }
  if (is_run(folder)) return {folder};
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_directory() && is_run(entry.path())) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end(), [](const fs::path& a, const fs::path& b) {
    return as_people_sort(a.filename().string()) < as_people_sort(b.filename().string());
  });
  if (found.empty()) {
    throw std::runtime_error(fmt::format(
        "'{}' holds no run: a run folder has a run.toml and a metrics.jsonl; name one, or a folder "
        "of them",
        argument));
  }
  return found;
}

}  // namespace

std::optional<std::string> RunRecord::option(std::string_view key) const {
  for (const auto& [name, value] : options) {
    if (name == key) return value;
  }
  return {};
}

bool lower_is_better(std::string_view metric) {
  static constexpr std::array<std::string_view, 9> kLower = {
      "perplexity",     "bits_per_byte",  "head_similarity", "grad_norm", "wer",
      "expert_balance", "expert_busiest", "expert_dropped",  "router_z"};
  return metric.ends_with("loss") ||
         std::find(kLower.begin(), kLower.end(), metric) != kLower.end();
}

bool is_run(const fs::path& folder) {
  return fs::exists(folder / "run.toml") || fs::exists(folder / "metrics.jsonl");
}

RunRecord read_run(const fs::path& folder) {
  RunRecord run{.folder = folder, .name = folder.filename().string()};
  run.options = read_options(folder / "run.toml");
  if (fs::exists(folder / "metrics.jsonl")) run.metrics = read_metrics(folder / "metrics.jsonl");
  for (const MetricsRecord& record : run.metrics) {
    run.updates = std::max(run.updates, record.step);
    if (const auto seconds = record.find("elapsed_s")) run.seconds = *seconds;
  }
  if (const auto steps = RunFolder(folder).checkpoint_steps(); !steps.empty())
    run.updates = std::max(run.updates, steps.back());
  if (const auto steps = run.option("max-steps"))
    run.planned = std::strtoll(steps->c_str(), nullptr, 10);
  bool finished = run.planned && run.updates >= *run.planned && !run.metrics.empty();
  if (const auto info = read_run_info(folder)) {
    run.program = info->program;
    run.metric = info->metric;
    run.higher_is_better = info->higher_is_better;
    run.chance = info->chance;
    if (info->parameters > 0) run.parameters = static_cast<double>(info->parameters);
    finished = info->finished;
  } else {
    guess_info(run);
  }
  run.state = finished            ? RunState::kFinished
              : is_locked(folder) ? RunState::kRunning
                                  : RunState::kStopped;
  return run;
}

std::vector<RunRecord> read_runs(const std::vector<std::string>& folders) {
  std::vector<RunRecord> runs;
  std::set<fs::path> seen;
  for (const std::string& argument : folders) {
    for (const fs::path& folder : runs_in(argument)) {
      if (seen.insert(fs::canonical(folder)).second) runs.push_back(read_run(folder));
    }
  }
  name_apart(runs);
  return runs;
}

}  // namespace zoo
