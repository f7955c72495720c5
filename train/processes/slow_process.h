// Finds the process that the others wait for.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

namespace zoo {

struct SlowProcess {
  int64_t rank = 0;
  double factor = 1.0;  ///< its time for an update, over the median of all
};

/// Sees the time that each process needs for its part of an update, without its waiting.
class SlowProcessFinder {
 public:
  /// Slow is who needs `factor` times the median in each of `updates` updates.
  explicit SlowProcessFinder(double factor = 1.5, int64_t updates = 20)
      : factor_(factor), updates_(updates) {}

  /// Seconds in the order of ranks. Returns a process once; again after it was as quick as others.
  std::optional<SlowProcess> update(const std::vector<double>& seconds);

 private:
  struct Streak {
    int64_t updates = 0;
    double sum = 0.0;
  };
  double factor_;
  int64_t updates_;
  std::vector<Streak> streaks_;
};

}  // namespace zoo
