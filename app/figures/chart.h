// Line charts as SVG, drawn with the colours of html_page.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zoo {

struct ChartPoint {
  double x = 0, y = 0;  // a y that is not finite interrupts the line
};

struct ChartLine {
  enum class Look { kFaint, kTrain, kVal, kSeries };
  std::string label;
  Look look = Look::kTrain;
  std::vector<ChartPoint> points = {};  // x ascending
  int series = 0;                       // kSeries: one of several equals, 0 to 7
};

struct Chart {
  std::string x_label, y_label;       // with units
  std::vector<ChartLine> lines = {};  // drawn in this order
  std::optional<double> chance = {};  // a dashed line across
  std::optional<std::pair<double, double>> band =
      {};              // a shaded range of y; an end may be infinite
  bool log_x = false;  // places x at log(1 + x), so that 0 has a place
  bool log_y = false;  // all y above 0
  bool y_from_zero = false;
};

/// The picture in a viewBox of the given size; extremes of faint lines may be cut off. Lines of
/// many points are thinned to the lowest and highest one for each pixel.
std::string render_svg(const Chart& chart, int width, int height);

/// Names and colours of what the picture shows, to stand above it.
std::string render_legend(const Chart& chart);

/// CSS for pictures and legends: belongs into html_page's `style`.
std::string_view chart_style();

/// Mean over a centred window of 2 % of the points; narrower at the start, so that a steep start is
/// not bent, and partly one-sided at the end.
std::vector<ChartPoint> smooth(const std::vector<ChartPoint>& points);

/// "0.0004", "1.25", "45k", "3e-5": at most three or four digits.
std::string short_number(double value);

}  // namespace zoo
