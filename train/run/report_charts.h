// The charts of report.html.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "train/run/report.h"

namespace zoo {

/// "Learning rate" for "lr"; of a key that is unknown its words: "Some score" for "some_score".
std::string heading_of(const std::string& key);
/// "learning rate"; "BLEU" as it is.
std::string in_a_sentence(const std::string& key);
/// "learning rate": its axis, with the unit.
std::string axis_of(const std::string& key);

/// What was measured: first the loss, then what validation measures, then the rest, each as people
/// sort names ("recall at 5" before "recall at 10"); the clock last.
std::vector<std::string> measures_of(const std::vector<MetricsRecord>& metrics,
                                     std::string_view split = {});

/// One chart for the loss, with a switch between a linear and a logarithmic x axis, and a smaller
/// one for each other metric. Empty without metrics.
std::string render_charts(const ReportInput& input);

/// The CSS of these charts.
extern const std::string_view kChartStyle;

}  // namespace zoo
