// The terminal output of a run: evaluations on stdout, a progress bar and notes on stderr.
#pragma once
#include <optional>
#include <string>

#include "app/progress_bar.h"
#include "train/loop/observer.h"

namespace zoo {

class TrainingConsole : public TrainingObserver {
 public:
  void begin(int64_t step, int64_t max_steps, const std::string& unit) override;
  void update(int64_t step, const Update& update) override;
  void evaluation(const EvaluationReport& report) override;
  void end() override;
  void average(const AverageReport& report) override;
  void note(const std::string& line) override;

 private:
  std::string unit_;
  std::optional<ProgressBar> bar_;
  double recent_weight_ = 0.0, recent_seconds_ = 0.0;  // of about the last twenty updates
};

}  // namespace zoo
