// The curves of report.html: which chart shows what of the metrics.
#pragma once
#include <string>
#include <string_view>

#include "train/run/report.h"

namespace zoo {

/// "Learning rate" for "lr"; the key itself where it is not known.
std::string heading_of(const std::string& key);

/// One chart for the loss, with a switch between a linear and a logarithmic x axis, and a smaller
/// one for every other measure. Empty where nothing was measured.
std::string render_charts(const ReportInput& input);

/// The CSS of these charts.
extern const std::string_view kChartStyle;

}  // namespace zoo
