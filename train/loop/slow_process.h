// Finds the process that the others wait for.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "train/loop/processes.h"

namespace zoo {

struct SlowProcess {
  int64_t rank = 0;
  double factor = 1.0;  ///< its time, over the median of all
};

/// Sees the time that each process needs for its part of some updates, without its waiting.
class SlowProcessFinder {
 public:
  /// Slow is who needs `factor` times the median so often in a row.
  explicit SlowProcessFinder(double factor = 1.5, int64_t in_a_row = 3)
      : factor_(factor), in_a_row_(in_a_row) {}

  /// Seconds in the order of ranks. Returns a process once; again after it was as quick as others.
  std::optional<SlowProcess> see(const std::vector<double>& seconds);

 private:
  struct Streak {
    int64_t length = 0;
    double sum = 0.0;
  };
  double factor_;
  int64_t in_a_row_;
  std::vector<Streak> streaks_;
};

/// Compares the processes of a run every so many updates.
class SlowProcessNote {
 public:
  explicit SlowProcessNote(Processes& processes, int64_t every = 20)
      : processes_(processes), every_(every) {}

  /// After an update that took `seconds`, in all processes. Returns a line about a slow process, or
  /// nothing.
  std::string update(double seconds);

 private:
  Processes& processes_;
  int64_t every_;
  int64_t updates_ = 0;
  double seconds_ = 0.0;
  double waited_before_ = 0.0;
  SlowProcessFinder finder_;
};

}  // namespace zoo
