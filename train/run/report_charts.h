// The charts of report.html.
#pragma once
#include <string>
#include <string_view>

#include "train/run/report.h"

namespace zoo {

/// "Learning rate" for "lr"; the key itself if it is unknown.
std::string heading_of(const std::string& key);
/// "learning rate": its axis, with the unit.
std::string axis_of(const std::string& key);

/// One chart for the loss, with a switch between a linear and a logarithmic x axis, and a smaller
/// one for each other metric. Empty without metrics.
std::string render_charts(const ReportInput& input);

/// The CSS of these charts.
extern const std::string_view kChartStyle;

}  // namespace zoo
