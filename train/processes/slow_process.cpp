#include "train/processes/slow_process.h"

#include <algorithm>

namespace zoo {

std::optional<SlowProcess> SlowProcessFinder::update(const std::vector<double>& seconds) {
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
    if (++streak.updates != updates_) continue;
    const double factor = streak.sum / static_cast<double>(updates_);
    if (!found || factor > found->factor) found = {static_cast<int64_t>(i), factor};
  }
  return found;
}

}  // namespace zoo
