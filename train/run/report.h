// report.html: a page that shows a run, and says whether it met expectations.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "train/run/metrics.h"
#include "train/run/run_verdict.h"

namespace zoo {

struct Sample {
  int64_t step = 0;
  std::string text;
};

/// A figure of the last evaluation, with a caption.
struct ReportPicture {
  std::string title, caption;
  std::string html;  // inserted verbatim
};

/// All fields may be empty: a report is also written during a run, and after a failed one.
struct ReportInput {
  std::string title;        // the run's name
  std::string about = {};   // under the title: program, recipe, date
  std::string config_text;  // of effective_config
  std::vector<MetricsRecord> metrics;
  std::vector<Sample> samples;
  std::vector<ReportPicture> pictures = {};
  std::string metric = "loss";  // the metric of the chance level and the band
  bool higher_is_better = false;
  std::optional<double> chance_level;
  std::optional<std::pair<double, double>> expected_band;  // an end may be infinite
  Verdict verdict;
  std::vector<std::pair<std::string, std::string>> facts;  // "Parameters", "0.80 M"
};

/// A self-contained HTML document. All text is escaped.
std::string render_report(const ReportInput& input);

}  // namespace zoo
