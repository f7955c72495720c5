#include "train/run_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "app/files.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kPrefix = "step-";

std::string checkpoint_name(int64_t step) { return fmt::format("step-{:06}", step); }

std::optional<int64_t> step_of(const std::string& name) {
  if (!name.starts_with(kPrefix)) return {};
  int64_t step = 0;
  const char* const end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + kPrefix.size(), end, step);
  if (error != std::errc{} || stop != end) return {};
  return step;
}

}  // namespace

void RunFolder::create() const {
  if (fs::exists(fs::symlink_status(folder_)) &&
      !(fs::is_directory(folder_) && fs::is_empty(folder_))) {
    throw std::runtime_error(fmt::format(
        "run folder '{}' is in use; name another with --out, or continue it with --resume {}",
        folder_.string(), folder_.string()));
  }
  std::error_code error;
  fs::create_directories(folder_ / "checkpoints", error);
  if (error)
    throw std::runtime_error(
        fmt::format("cannot make run folder '{}': {}", folder_.string(), error.message()));
}

bool RunFolder::holds_new_run() const {
  return fs::is_directory(folder_ / "checkpoints") && fs::is_empty(folder_ / "checkpoints") &&
         !fs::exists(folder_ / "run.toml");
}

fs::path RunFolder::last() const {
  if (!fs::is_directory(folder_)) {
    throw std::runtime_error(
        fmt::format("no run folder at '{}'; start one with --out", folder_.string()));
  }
  if (const auto step = linked_step("last")) return checkpoint(*step);
  throw std::runtime_error(
      fmt::format("'{}' holds no checkpoint to continue from", folder_.string()));
}

void RunFolder::save_checkpoint(int64_t step, bool is_best, int64_t keep,
                                const std::function<void(const fs::path&)>& fill) const {
  write_folder(checkpoint(step), fill);
  const fs::path target = fs::path("checkpoints") / checkpoint_name(step);
  replace_link(folder_ / "last", target);
  if (is_best) replace_link(folder_ / "best", target);
  link_root();
  prune(keep);
}

void RunFolder::link_root() const {
  const std::string source = linked_step("best") ? "best" : "last";
  if (!linked_step(source)) return;
  for (const auto& entry : fs::directory_iterator(folder_ / source)) {
    if (!entry.is_regular_file()) continue;
    const auto name = entry.path().filename();
    replace_link(folder_ / name, fs::path(source) / name);
  }
}

std::vector<int64_t> RunFolder::checkpoint_steps() const {
  std::vector<int64_t> steps;
  if (!fs::is_directory(folder_ / "checkpoints")) return steps;
  for (const auto& entry : fs::directory_iterator(folder_ / "checkpoints")) {
    if (const auto step = step_of(entry.path().filename().string()); step && entry.is_directory()) {
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

void RunFolder::prune(int64_t keep) const {
  auto steps = checkpoint_steps();
  const auto best = linked_step("best"), last = linked_step("last");
  const auto old = static_cast<int64_t>(steps.size()) - std::max<int64_t>(keep, 1);
  for (int64_t i = 0; i < old; ++i) {
    const int64_t step = steps[static_cast<size_t>(i)];
    if (step == best || step == last) continue;
    std::error_code ignored;  // a checkpoint too many does no harm
    fs::remove_all(checkpoint(step), ignored);
  }
}

fs::path checkpoint_of(const fs::path& folder) {
  if (fs::exists(folder / "config.json")) return folder;
  for (const char* link : {"best", "last"}) {
    if (fs::exists(folder / link / "config.json")) return folder / link;
  }
  return folder;
}

}  // namespace zoo
