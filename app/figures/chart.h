// Line charts as SVG, in the colours of html_page.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zoo {

struct ChartPoint {
  double x = 0, y = 0;  // a y that is not finite breaks the line
};

struct ChartLine {
  enum class Look { kFaint, kTrain, kVal, kSeries };
  std::string label;
  Look look = Look::kTrain;
  std::vector<ChartPoint> points = {};  // x ascending
  int series = 0;                       // kSeries: which series, 0 to 15, dashed from 8
};

struct Chart {
  std::string x_label, y_label;       // with units
  std::vector<ChartLine> lines = {};  // drawn in this order
  std::optional<double> chance = {};  // a dashed horizontal line
  std::optional<std::pair<double, double>> band =
      {};              // a shaded range of y; an end may be infinite
  bool log_x = false;  // draws x at log(1 + x), so 0 is allowed
  bool log_y = false;  // every y must be above 0
  bool y_from_zero = false;
};

/// Draws the chart in a viewBox of the given size. Extremes of faint lines may be cut off. Lines of
/// many points are thinned to the lowest and highest point of each pixel column.
std::string render_svg(const Chart& chart, int width, int height);

/// The chart for wide windows and for narrow ones, of which html_page() shows one.
std::string render_both(const Chart& chart);

/// The legend, as HTML to put above the chart.
std::string render_legend(const Chart& chart);

/// CSS for charts and legends; add it to html_page's `style`.
std::string_view chart_style();

/// Mean over a centred window of 2 % of the points. The window is narrower at the start, which
/// keeps a steep start steep, and partly one-sided at the end.
std::vector<ChartPoint> smooth(const std::vector<ChartPoint>& points);

/// "0.0004", "1.25", "45k", "3e-5": at most three or four digits.
std::string short_number(double value);

}  // namespace zoo
