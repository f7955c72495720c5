#include "train/run/run_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>
#include <string_view>

#include "base/files.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kPrefix = "step-";

/// What a run makes before its first checkpoint.
constexpr std::array<std::string_view, 8> kOurs = {"checkpoints", "run.json",      "run.toml",
                                                   "text.tokens", "metrics.jsonl", "samples.jsonl",
                                                   "tensorboard", "report.html"};

std::string checkpoint_name(int64_t step) { return fmt::format("step-{:06}", step); }

std::optional<int64_t> step_of(const std::string& name) {
  if (!name.starts_with(kPrefix)) return {};
  int64_t step = 0;
  const char* const end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + kPrefix.size(), end, step);
  if (error != std::errc{} || stop != end || name != checkpoint_name(step)) return {};
  return step;
}

/// The temporary names of app/files: ".last.5f3a.tmp", ".step-000010.partial".
bool unfinished(const fs::path& path) {
  std::string name = path.filename().string();
  if (name == "text.tokens.partial") return true;  // of older versions
  if (!name.starts_with('.')) return false;
  if (name.ends_with(".partial")) return true;
  if (!name.ends_with(".tmp")) return false;
  name.resize(name.size() - std::string_view(".tmp").size());
  const size_t dot = name.rfind('.');
  return dot > 0 && dot + 1 < name.size() &&
         name.find_first_not_of("0123456789abcdef", dot + 1) == std::string::npos;
}

void remove_unfinished(const fs::path& folder) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (unfinished(entry.path())) fs::remove_all(entry.path(), error);
  }
}

}  // namespace

void RunFolder::require_free() const {
  if (!fs::exists(fs::symlink_status(folder_))) return;
  if (fs::is_directory(folder_) && (fs::is_empty(folder_) || abandoned())) return;
  if (!checkpoint_steps().empty()) {
    throw std::runtime_error(
        fmt::format("run folder '{0}' already holds a run; name another with --out, or continue it "
                    "with --resume {0}",
                    folder_.string()));
  }
  throw std::runtime_error(
      fmt::format("'{}' is not an empty folder, and holds no run to continue; name another with "
                  "--out",
                  folder_.string()));
}

void RunFolder::create() const {
  require_free();
  std::error_code error;
  if (fs::is_directory(folder_)) {
    for (const auto& entry : fs::directory_iterator(folder_)) {
      if (!error) fs::remove_all(entry.path(), error);
    }
  }
  if (!error) fs::create_directories(folder_ / "checkpoints", error);
  if (error)
    throw std::runtime_error(
        fmt::format("cannot make run folder '{}': {}", folder_.string(), error.message()));
}

// Killed between create() and its first checkpoint: nothing to go on from, and nothing but what a
// run makes.
bool RunFolder::abandoned() const {
  if (!fs::is_directory(folder_ / "checkpoints")) return false;
  for (const auto& entry : fs::directory_iterator(folder_ / "checkpoints")) {
    if (!unfinished(entry.path())) return false;
  }
  for (const auto& entry : fs::directory_iterator(folder_)) {
    const bool ours =
        std::find(kOurs.begin(), kOurs.end(), entry.path().filename().string()) != kOurs.end();
    if (!ours && !unfinished(entry.path())) return false;
  }
  return true;
}

bool RunFolder::holds_new_run() const {
  return fs::is_directory(folder_ / "checkpoints") && fs::is_empty(folder_ / "checkpoints") &&
         !fs::exists(folder_ / "run.toml");
}

HeldFolder RunFolder::lock() const {
  HeldFolder held(folder_);
  held.lock();
  return held;
}

fs::path RunFolder::last() const { return checkpoint(last_step()); }

int64_t RunFolder::last_step() const {
  if (!fs::is_directory(folder_)) {
    throw std::runtime_error(
        fmt::format("no run folder at '{}'; start one with --out", folder_.string()));
  }
  if (const auto steps = checkpoint_steps(); !steps.empty()) return steps.back();
  const auto again = abandoned() || fs::is_empty(folder_)
                         ? fmt::format("begin anew with --out {}", folder_.string())
                         : "it is no run folder; begin a run in another with --out";
  throw std::runtime_error(
      fmt::format("'{}' holds no checkpoint to continue from; {}", folder_.string(), again));
}

void RunFolder::save_checkpoint(int64_t step, bool is_best, const Retention& retention,
                                const std::function<void(const fs::path&)>& fill) const {
  write_folder(checkpoint(step), fill);
  const fs::path target = fs::path("checkpoints") / checkpoint_name(step);
  replace_link(folder_ / "last", target);
  if (is_best) replace_link(folder_ / "best", target);
  link_root();
  prune(retention);
}

void RunFolder::mend() const {
  remove_unfinished(folder_);
  remove_unfinished(folder_ / "checkpoints");
  const int64_t step = last_step();
  if (linked_step("last") != step)
    replace_link(folder_ / "last", fs::path("checkpoints") / checkpoint_name(step));
}

void RunFolder::link_root() const {
  const std::string source = linked_step("best") ? "best" : "last";
  if (!linked_step(source)) return;
  for (const auto& entry : fs::directory_iterator(folder_ / source)) {
    const auto name = entry.path().filename();
    if (name == "trainer_state") continue;
    replace_link(folder_ / name, fs::path(source) / name);
  }
}

void RunFolder::point_best_at(int64_t step) const {
  if (fs::is_directory(checkpoint(step))) {
    replace_link(folder_ / "best", fs::path("checkpoints") / checkpoint_name(step));
  } else {
    std::error_code ignored;  // there may be no link
    fs::remove(folder_ / "best", ignored);
  }
  link_root();
}

std::vector<int64_t> RunFolder::checkpoint_steps() const {
  std::vector<int64_t> steps;
  if (!fs::is_directory(folder_ / "checkpoints")) return steps;
  for (const auto& entry : fs::directory_iterator(folder_ / "checkpoints")) {
    const auto step = step_of(entry.path().filename().string());
    if (step && fs::is_directory(entry.path() / "trainer_state")) {
      steps.push_back(*step);
    }
  }
  std::sort(steps.begin(), steps.end());
  return steps;
}

fs::path RunFolder::checkpoint(int64_t step) const {
  return folder_ / "checkpoints" / checkpoint_name(step);
}

std::optional<int64_t> RunFolder::linked_step(const std::string& link) const {
  std::error_code error;
  const auto target = fs::read_symlink(folder_ / link, error);
  if (error || !fs::is_directory(folder_ / target)) return {};
  return step_of(target.filename().string());
}

void RunFolder::prune(const Retention& retention) const {
  auto steps = checkpoint_steps();
  const auto best = linked_step("best"), last = linked_step("last");
  const auto remove = [&](int64_t step) {
    if (step != best && step != last) remove_checkpoint(step);
  };
  if (retention.discard) {
    std::erase(steps, *retention.discard);
    remove(*retention.discard);
  }
  const auto old = static_cast<int64_t>(steps.size()) - std::max<int64_t>(retention.newest, 1);
  for (int64_t i = 0; i < old; ++i) {
    const int64_t step = steps[static_cast<size_t>(i)];
    if (step != retention.spare) remove(step);
  }
}

// Renamed first: what a killed process leaves of it is no checkpoint.
void RunFolder::remove_checkpoint(int64_t step) const {
  const fs::path gone = folder_ / "checkpoints" / fmt::format(".{}.partial", checkpoint_name(step));
  std::error_code ignored;  // a checkpoint too many does no harm
  fs::remove_all(gone, ignored);
  fs::rename(checkpoint(step), gone, ignored);
  fs::remove_all(gone, ignored);
}

fs::path checkpoint_of(const fs::path& folder) {
  if (fs::exists(folder / "config.json")) return folder;
  for (const char* link : {"best", "last"}) {
    if (fs::exists(folder / link / "config.json")) return folder / link;
  }
  const RunFolder run(folder);
  const auto steps = run.checkpoint_steps();
  return steps.empty() ? folder : run.checkpoint(steps.back());
}

std::optional<fs::path> run_of(const fs::path& folder) {
  if (fs::exists(folder / "run.toml")) return folder;
  std::error_code error;
  const fs::path real = fs::canonical(folder, error);  // RUN/best is a link
  if (error) return {};
  for (const fs::path& above : {real.parent_path(), real.parent_path().parent_path()}) {
    if (fs::exists(above / "run.toml")) return above;
  }
  return {};
}

}  // namespace zoo
