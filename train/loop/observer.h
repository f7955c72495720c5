// Events of a run. The library prints nothing; a program shows what it wants.
#pragma once
#include <cstdint>
#include <string>

namespace zoo {

struct Update;

/// The value is of the metric that judges the run.
struct EvaluationReport {
  int64_t step = 0;
  std::string metric = {};
  double value = 0.0;
  bool is_best = false;  ///< of the run so far
};

/// The evaluation of the mean of the last checkpoints' weights.
struct AverageReport {
  int64_t checkpoints = 0;
  std::string metric = {};
  double value = 0.0;
};

/// Every function does nothing by default. The training thread calls them.
class TrainingObserver {
 public:
  virtual ~TrainingObserver() = default;
  /// Updates from step + 1 to max_steps follow. unit: what the updates' weights count.
  virtual void begin([[maybe_unused]] int64_t step, [[maybe_unused]] int64_t max_steps,
                     [[maybe_unused]] const std::string& unit) {}
  virtual void update([[maybe_unused]] int64_t step, [[maybe_unused]] const Update& update) {}
  virtual void evaluation([[maybe_unused]] const EvaluationReport& report) {}
  /// No more updates follow; also called before an error that ends the run.
  virtual void end() {}
  virtual void average([[maybe_unused]] const AverageReport& report) {}
  /// A note for the user: one line without "note:".
  virtual void note([[maybe_unused]] const std::string& line) {}
};

}  // namespace zoo
