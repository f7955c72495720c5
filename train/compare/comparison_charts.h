// The charts of comparison.html.
#pragma once
#include <string>
#include <string_view>

#include "train/compare/comparison.h"

namespace zoo {

/// The metric over updates, and over time where the runs are not equally fast; the training loss.
/// One curve a group: the mean of its runs. Empty where nothing is measured.
std::string comparison_charts(const Comparison& comparison);

/// The CSS of these charts, in addition to chart_style() and the report's.
extern const std::string_view kComparisonChartStyle;

}  // namespace zoo
