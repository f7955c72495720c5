// The terminal output of a run: evaluations on stdout, a progress bar and notes on stderr.
#pragma once
#include <optional>
#include <string>

#include "app/progress_bar.h"
#include "train/loop/observer.h"
#include "train/loop/processes.h"

namespace zoo {

class TrainingConsole : public TrainingObserver {
 public:
  explicit TrainingConsole(const Processes& processes = single_process()) : processes_(processes) {}
  void begin(int64_t step, int64_t max_steps, const std::string& unit) override;
  void update(int64_t step, const Update& update) override;
  void evaluation(const EvaluationReport& report) override;
  void end() override;
  void average(const AverageReport& report) override;
  void note(const std::string& line) override;
  /// Of several processes: "3.21 MB an update; 4.1 % of the time spent waiting". Else empty.
  std::string traffic() const;

 private:
  const Processes& processes_;
  // Of all updates.
  int64_t updates_ = 0;
  double seconds_ = 0.0;
  ProcessTraffic traffic_;
  std::string unit_;
  std::optional<ProgressBar> bar_;
  double recent_weight_ = 0.0, recent_seconds_ = 0.0;  // of about the last twenty updates
};

}  // namespace zoo
