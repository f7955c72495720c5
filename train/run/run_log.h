// All output files of a run: metrics.jsonl, TensorBoard events, samples.jsonl, report.html.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "train/run/metrics.h"
#include "train/run/report.h"
#include "train/run/run_folder.h"
#include "train/run/tensorboard.h"

namespace zoo {

class RunLog {
 public:
  /// resumed: the checkpoint that the run resumes from; later lines of metrics and samples are cut,
  /// with `drop_evaluation` also the evaluation at its step.
  RunLog(const RunFolder& folder, ReportInput report, const std::optional<MetricsResume>& resumed);
  void record(const MetricsRecord& record);
  void sample(int64_t step, const std::string& text);
  /// Lines of metrics.jsonl: present, and lost from before the resume.
  int64_t lines() const { return metrics_.lines(); }
  int64_t lost_lines() const { return metrics_.lost(); }
  /// Figures of the last evaluation; they replace those of the one before.
  void pictures(std::vector<ReportPicture> pictures) { report_.pictures = std::move(pictures); }
  /// Adds a line to the report's table.
  void fact(const std::string& name, const std::string& value);
  /// Rewrites report.html with all current data.
  void write_report(const Verdict& verdict);

 private:
  void to_tensorboard(const MetricsRecord& record);
  RunFolder folder_;
  MetricsLog metrics_;
  TensorBoardWriter tensorboard_;
  ReportInput report_;
};

}  // namespace zoo
