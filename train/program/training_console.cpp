#include "train/program/training_console.h"

#include <fmt/format.h>

#include "base/note.h"
#include "base/printable.h"
#include "base/streams.h"
#include "train/loop/update.h"

namespace zoo {

void TrainingConsole::begin(int64_t step, int64_t max_steps, const std::string& unit) {
  unit_ = unit;
  bar_.emplace("training", max_steps, step);
}

void TrainingConsole::update(int64_t step, const Update& update) {
  recent_weight_ = 0.95 * recent_weight_ + update.weight;
  recent_seconds_ = 0.95 * recent_seconds_ + update.seconds;
  bar_->update(step, fmt::format("loss {:.4f}  lr {:.2e}  {:.0f} {}/s", update.loss,
                                 update.learning_rate, recent_weight_ / recent_seconds_, unit_));
  ++updates_;
  seconds_ += update.seconds;
  traffic_.seconds_waited += update.traffic.seconds_waited;
  traffic_.bytes += update.traffic.bytes;
}

std::string TrainingConsole::traffic() const {
  if (updates_ == 0 || processes_.size() == 1) return {};
  return fmt::format("{:.2f} MB an update; {:.1f} % of the time spent waiting",
                     static_cast<double>(traffic_.bytes) / 1e6 / static_cast<double>(updates_),
                     100.0 * traffic_.seconds_waited / seconds_);
}

void TrainingConsole::evaluation(const EvaluationReport& report) {
  const auto line = fmt::format("step {:>6}  val {} {:.4f}{}", report.step, report.metric,
                                report.value, report.is_best && report.step > 0 ? "  (best)" : "");
  if (bar_)
    bar_->print_result_above(line);
  else
    write_to_stdout(line + "\n");
}

void TrainingConsole::end() {
  if (bar_) bar_->finish();
}

void TrainingConsole::average(const AverageReport& report) {
  write_to_stdout(fmt::format("average of the last {} checkpoints: val {} {:.4f} (in averaged/)\n",
                              report.checkpoints, report.metric, printable(report.value)));
}

void TrainingConsole::note(const std::string& line) {
  const auto text = "note: " + line;
  if (bar_)
    bar_->print_above(text);
  else
    zoo::note(text);
}

}  // namespace zoo
