#include "train/loop/slow_process.h"

#include <fmt/format.h>

#include <algorithm>

namespace zoo {

std::optional<SlowProcess> SlowProcessFinder::see(const std::vector<double>& seconds) {
  if (seconds.size() < 2) return {};
  // The lower median: of two processes the quicker one.
  auto sorted = seconds;
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>((sorted.size() - 1) / 2);
  std::ranges::nth_element(sorted, middle);
  const double median = *middle;
  streaks_.resize(seconds.size());
  std::optional<SlowProcess> found;
  for (size_t i = 0; i < seconds.size(); ++i) {
    Streak& streak = streaks_[i];
    if (!(median > 0.0) || seconds[i] < factor_ * median) {
      streak = {};
      continue;
    }
    streak.sum += seconds[i] / median;
    if (++streak.length != in_a_row_) continue;
    const double factor = streak.sum / static_cast<double>(in_a_row_);
    if (!found || factor > found->factor) found = {static_cast<int64_t>(i), factor};
  }
  return found;
}

std::string SlowProcessNote::update(double seconds) {
  if (processes_.size() == 1) return {};
  seconds_ += seconds;
  if (++updates_ % every_ != 0) return {};
  const double waited = processes_.traffic().seconds_waited;
  const double own = std::max(0.0, seconds_ - (waited - waited_before_));
  const auto all = processes_.all_gather(torch::full({1}, own, torch::kDouble));
  seconds_ = 0.0;
  waited_before_ = processes_.traffic().seconds_waited;
  if (updates_ == every_) return {};  // the first updates fill caches
  const auto slow = finder_.see({all.data_ptr<double>(), all.data_ptr<double>() + all.numel()});
  if (!slow) return {};
  return fmt::format("{} is slow: it needs {:.1f} times as long as the others, which wait for it",
                     processes_.name(slow->rank), slow->factor);
}

}  // namespace zoo
