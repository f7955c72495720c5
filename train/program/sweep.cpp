#include "train/program/sweep.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/cli.h"
#include "app/recipe.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "base/printable.h"
#include "base/usage_error.h"
#include "train/compare/comparison.h"
#include "train/compare/comparison_page.h"
#include "train/compare/scaling.h"
#include "train/compare/sweep_plan.h"
#include "train/program/child_run.h"
#include "train/program/command_line.h"
#include "train/run/held_folder.h"
#include "train/run/run_folder.h"
#include "train/run/run_info.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

/// The names of all flags as they were given, without dashes and values.
std::vector<std::string> flags_before_texts(int argc, const char* const* argv) {
  std::vector<std::string> names;
  for (int i = 1; i < argc && std::string_view(argv[i]) != "--"; ++i) {
    const std::string_view word = argv[i];
    if (word.starts_with("--")) names.emplace_back(word.substr(2, word.find('=') - 2));
  }
  return names;
}

using Words = std::vector<std::string>;

struct SweepCommand {
  Words arguments = {};  // of every run
  std::vector<SweepAxis> axes = {}, sizes = {};
  std::optional<int64_t> seeds = {};
  fs::path out = {};
};

int64_t parse_seeds(const std::string& text) {
  int64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc{} || stop != end || count < 1 || count > 1000)
    throw UsageError(fmt::format("--seeds must be a whole number from 1 to 1000, not '{}'", text));
  return count;
}

SweepCommand parse_sweep(const std::string& family, int argc, const char* const* argv) {
  SweepCommand sweep{.arguments = Words(argv, argv + argc)};
  const auto taken = [&](std::string_view name) { return take_flag(sweep.arguments, name); };
  const auto axes = taken("sweep"), sizes = taken("scale"), seeds = taken("seeds");
  if (axes) sweep.axes = parse_axes(*axes, "--sweep");
  if (sizes) sweep.sizes = parse_axes(*sizes, "--scale");
  if (seeds) sweep.seeds = parse_seeds(*seeds);
  sweep.out = taken("out").value_or(fmt::format("runs/{}-sweep", family));
  const auto given = flags_before_texts(argc, argv);
  for (const char* other : {"resume", "evaluate-only", "dump-gradients", "dump-batches"}) {
    if (std::find(given.begin(), given.end(), other) == given.end()) continue;
    throw UsageError(
        fmt::format("--{} does not go with a sweep, which goes on where it was stopped "
                    "when it is called again",
                    other));
  }
  auto all = sweep.sizes;
  all.insert(all.end(), sweep.axes.begin(), sweep.axes.end());
  for (size_t i = 0; i < all.size(); ++i) {
    for (size_t k = 0; k < i; ++k) {
      if (all[k].option == all[i].option)
        throw UsageError(
            fmt::format("{} is in --sweep and in --scale; leave one out", all[i].option));
    }
    if (std::find(given.begin(), given.end(), all[i].option) != given.end())
      throw UsageError(fmt::format("--{} is in the sweep as well; leave one out", all[i].option));
    if (all[i].option == "seed" && sweep.seeds)
      throw UsageError("--seeds and seeds in the sweep: leave one out");
  }
  if (!sweep.sizes.empty() && sweep.sizes.front().values.size() < 3)
    throw UsageError("--scale needs three sizes at least: two to fit, and the largest to predict");
  return sweep;
}

Words words_of(const SweepCommand& sweep, const SweepPoint& point) {
  Words words = sweep.arguments;
  words.push_back("--out=" + (sweep.out / point.name).string());
  for (const auto& [option, value] : point.settings)
    words.push_back(fmt::format("--{}={}", option, value));
  return words;
}

/// A complaint without "train_gpt: ".
std::string without_name(const Training& training, const std::string& line) {
  const std::string program = "train_" + training.family() + ": ";
  return line.starts_with(program) ? line.substr(program.size()) : line;
}

/// The run's configuration, as its run.toml will have it. Throws UsageError for options that cannot
/// be.
std::string configuration_of(Training& training, const SweepCommand& sweep,
                             const SweepPoint& point) {
  const auto words = words_of(sweep, point);
  const auto checked = ask_child("train_" + training.family(), [&] {
    std::vector<const char*> argv;
    for (const auto& word : words) argv.push_back(word.c_str());
    return parse_train_command(training, static_cast<int>(argv.size()), argv.data()).config_text;
  });
  if (checked.failed.empty()) return checked.answer;
  const std::string why = without_name(training, checked.failed);
  throw UsageError(point.name.empty() ? why : fmt::format("the run {}: {}", point.name, why));
}

/// All runs, after their options are known to be good.
std::vector<SweepPoint> plan(Training& training, SweepCommand& sweep) {
  auto points = product_of(sweep.sizes, sweep.axes);
  const bool seeded = std::any_of(sweep.axes.begin(), sweep.axes.end(),
                                  [](const SweepAxis& axis) { return axis.option == "seed"; });
  if (!seeded) {
    uint64_t first = 0;
    for (const auto& entry : parse_recipe(configuration_of(training, sweep, points.front()))) {
      if (entry.key == "seed" && !entry.values.empty())
        std::from_chars(entry.values[0].data(), entry.values[0].data() + entry.values[0].size(),
                        first);
    }
    take_flag(sweep.arguments, "seed");  // each point has its own
    points = with_seeds(points, first, sweep.seeds.value_or(1));
  }
  return points;
}

void make_folders(const fs::path& out) {
  std::error_code error;
  fs::create_directories(out / "logs", error);
  if (error)
    throw std::runtime_error(
        fmt::format("cannot make folder '{}': {}", out.string(), error.message()));
}

bool is_done(const fs::path& run) {
  const auto info = read_run_info(run);
  return info && info->finished;
}

/// Beside the run, not in it: what was asked for (a resumed run's run.toml has what its checkpoint
/// made of that), and what was printed.
fs::path beside(const SweepCommand& sweep, const SweepPoint& point, const char* kind) {
  return sweep.out / "logs" / (point.name + kind);
}

/// Throws UsageError where the folder holds another run.
void check_folder(const SweepCommand& sweep, const SweepPoint& point,
                  const std::string& configuration) {
  const fs::path run = sweep.out / point.name, asked = beside(sweep, point, ".toml");
  if (RunFolder(run).checkpoint_steps().empty()) {
    RunFolder(run).require_free();
    return;
  }
  const auto other = first_difference(
      read_file(fs::exists(asked) ? asked : run / "run.toml", kSmallFile), configuration);
  if (other.empty()) return;
  throw UsageError(fmt::format(
      "'{}' holds a run with {}; name another --out, or remove that folder", run.string(), other));
}

Words words_to_run(const SweepCommand& sweep, const SweepPoint& point) {
  const fs::path run = sweep.out / point.name;
  if (RunFolder(run).checkpoint_steps().empty()) return words_of(sweep, point);
  Words words{sweep.arguments.front(), "--resume=" + run.string()};
  Words given = sweep.arguments;
  for (const char* name : {"threads", "device"}) {
    if (const auto value = take_flag(given, name))
      words.push_back(fmt::format("--{}={}", name, *value));
  }
  return words;
}

std::string result_of(const fs::path& run) {
  const auto comparison = compare_runs({read_run(run)});
  return fmt::format("{} {} {}  {}", comparison.split, comparison.metric,
                     spread_text(comparison.groups[0].best),
                     format_duration(comparison.runs[0].seconds.value_or(0)));
}

/// Table and page over the runs that there are.
void conclude(const SweepCommand& sweep, const std::vector<SweepPoint>& points) {
  std::vector<RunRecord> runs;
  for (const SweepPoint& point : points) {
    if (is_run(sweep.out / point.name)) runs.push_back(read_run(sweep.out / point.name));
  }
  if (runs.empty()) return;
  const auto comparison = compare_runs(std::move(runs));
  fmt::print("\n{}", comparison_table(comparison));
  std::vector<std::string> size_options;
  for (const SweepAxis& axis : sweep.sizes) size_options.push_back(axis.option);
  const auto laws =
      size_options.empty() ? std::vector<ScalingLaw>() : scaling_laws(comparison, size_options);
  fmt::print("{}", scaling_text(laws));
  if (laws.empty() && !size_options.empty()) {
    fmt::print(
        "no power law: it needs three sizes that are done, and a loss to judge them by (not {})\n",
        comparison.metric);
  }
  const auto page = write_comparison(comparison, sweep.out, scaling_html(laws));
  fmt::print("page        {}\n", page.string());
}

}  // namespace

bool is_sweep(int argc, const char* const* argv) {
  const auto given = flags_before_texts(argc, argv);
  const auto has = [&](std::string_view name) {
    return std::find(given.begin(), given.end(), name) != given.end();
  };
  if (has("help") || has("help-all") ||
      std::find(argv + 1, argv + argc, std::string_view("-h")) != argv + argc)
    return false;
  return has("sweep") || has("scale") || has("seeds");
}

int run_sweep(Training& training, int argc, const char* const* argv,
              const std::function<int(const Words&)>& train) {
  SweepCommand sweep = parse_sweep(training.family(), argc, argv);
  const auto points = plan(training, sweep);
  if (is_run(sweep.out))
    throw UsageError(
        fmt::format("'{}' holds a run; name another --out for the sweep", sweep.out.string()));
  std::vector<std::string> configurations;
  for (const SweepPoint& point : points) {
    configurations.push_back(configuration_of(training, sweep, point));
    check_folder(sweep, point, configurations.back());
  }

  make_folders(sweep.out);
  const HeldFolder held(sweep.out);
  held.lock();
  const InterruptGuard interrupt;
  fmt::print("sweep       {} runs in {}\n", points.size(), sweep.out.string());
  size_t n = 0, failed = 0, done = 0;
  bool stopped = false;
  for (const SweepPoint& point : points) {
    const fs::path run = sweep.out / point.name;
    const auto head = fmt::format("[{}/{}] {}", ++n, points.size(), point.name);
    if (is_done(run)) {
      fmt::print("{}  {}  (done before)\n", head, result_of(run));
      ++done;
      continue;
    }
    fmt::print("{}\n", head);
    write_file(beside(sweep, point, ".toml"), configurations[n - 1]);
    const auto child =
        run_child([&] { return train(words_to_run(sweep, point)); }, beside(sweep, point, ".log"));
    if (child.is_child) return child.code;
    stopped = child.code == kInterrupted || InterruptGuard::requested();
    if (stopped) break;
    if (child.code == 0) {
      ++done;
      fmt::print("      {}\n", result_of(run));
      continue;
    }
    ++failed;
    const std::string why = without_name(training, child.last_line);
    if (done == 0 && !is_run(run)) {
      throw std::runtime_error(
          fmt::format("the first run, {}, failed, and others might as well: {}", point.name, why));
    }
    fmt::print("      failed: {}\n", why);
  }
  conclude(sweep, points);
  if (stopped) {
    fmt::print("stopped     {} of {} runs are done; the same command goes on\n", done,
               points.size());
    return kInterrupted;
  }
  return failed > 0 ? 1 : 0;
}

}  // namespace zoo
