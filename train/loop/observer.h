// What a run reports as it proceeds. The library prints nothing; a program shows what it likes.
#pragma once
#include <cstdint>
#include <string>

namespace zoo {

struct Update;

/// By the metric that the run is judged by.
struct EvaluationReport {
  int64_t step = 0;
  std::string metric = {};
  double value = 0.0;
  bool is_best = false;  ///< of the run so far
};

/// Of the mean of the last checkpoints' weights.
struct AverageReport {
  int64_t checkpoints = 0;
  std::string metric = {};
  double value = 0.0;
};

/// Every function does nothing unless it is overridden. They are called by the training thread.
class TrainingObserver {
 public:
  virtual ~TrainingObserver() = default;
  /// Updates follow, from step + 1 to max_steps. unit: what their weights count.
  virtual void begin([[maybe_unused]] int64_t step, [[maybe_unused]] int64_t max_steps,
                     [[maybe_unused]] const std::string& unit) {}
  virtual void update([[maybe_unused]] int64_t step, [[maybe_unused]] const Update& update) {}
  virtual void evaluation([[maybe_unused]] const EvaluationReport& report) {}
  /// No more updates follow; also called before an error that ends the run.
  virtual void end() {}
  virtual void average([[maybe_unused]] const AverageReport& report) {}
  /// What a user should know, one line without "note:".
  virtual void note([[maybe_unused]] const std::string& line) {}
};

}  // namespace zoo
