// report.html: one page that shows a run, and says whether it went as it should.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "train/run/metrics.h"
#include "train/run/verdict.h"

namespace zoo {

struct Sample {
  int64_t step = 0;
  std::string text;
};

/// A drawing of the last evaluation, with a line that says how to read it.
struct ReportPicture {
  std::string title, caption;
  std::string svg;  // taken as it is
};

/// Everything may be empty: a report is also written during a run, and after one that
/// failed.
struct ReportInput {
  std::string title;
  std::string config_text;  // of effective_config
  std::vector<MetricsRecord> metrics;
  std::vector<Sample> samples;
  std::vector<ReportPicture> pictures = {};
  std::string metric = "loss";  // the measure that chance level and band speak of
  bool higher_is_better = false;
  std::optional<double> chance_level;
  std::optional<std::pair<double, double>> expected_band;  // an end may be infinite
  Verdict verdict;
  std::vector<std::pair<std::string, std::string>> facts;  // "Parameters", "0.80 M"
};

/// A whole HTML document without any reference outside itself. All text is escaped.
std::string render_report(const ReportInput& input);

}  // namespace zoo
