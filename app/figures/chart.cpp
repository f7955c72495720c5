#include "app/figures/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "app/figures/html.h"

namespace zoo {
namespace {

constexpr double kLeft = 52, kRight = 22, kTop = 26, kBottom = 42;
constexpr double kDot = 3;  // radius

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  bool empty() const { return low > high; }
  void include(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

/// Ticks at multiples of 1, 2 or 5 times a power of ten, about `wanted` of them.
std::vector<double> ticks(Range range, int wanted) {
  const double rough = (range.high - range.low) / wanted;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if (factor * power >= rough) step = factor * power;
  }
  std::vector<double> result;
  const double slack = step * 1e-9;
  for (double i = std::ceil((range.low - slack) / step); i * step <= range.high + slack; ++i) {
    result.push_back(i * step + 0.0);  // not -0
  }
  return result;
}

/// Powers of ten from low to high, every n-th if there are many; also 2 and 5 times each if the
/// range spans less than two decades. If low is 0: 0 and the powers from 1 up. Within a factor of
/// two or so: evenly spaced numbers.
std::vector<double> log_ticks(double low, double high) {
  constexpr double kMost = 12;
  std::vector<double> result;
  if (low <= 0) result.push_back(0);
  const bool few = low > 0 && high < 100 * low;
  const double first = low > 0 ? std::floor(std::log10(low)) : 0;
  const double stride = std::max(1.0, std::ceil((std::log10(high) - first) / kMost));
  for (double exponent = std::ceil(first / stride) * stride; exponent <= std::log10(high);
       exponent += stride) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double tick = factor * std::pow(10.0, exponent);
      if ((factor == 1.0 || few) && tick >= low && tick <= high) result.push_back(tick);
    }
  }
  // From 3.1 to 3.2 there is no such number.
  return result.size() > 1 ? result : ticks({low, high}, 5);
}

std::string class_of(const ChartLine& line) {
  switch (line.look) {
    case ChartLine::Look::kFaint:
      return "faint";
    case ChartLine::Look::kTrain:
      return "train";
    case ChartLine::Look::kVal:
      return "val";
    case ChartLine::Look::kSeries:
      break;
  }
  return fmt::format("series s{}{}", line.series % 8, line.series % 16 < 8 ? "" : " dashed");
}

class Painter {
 public:
  Painter(const Chart& chart, int width, int height)
      : chart_(chart), width_(width), height_(height) {
    for (const ChartLine& line : chart.lines) include(line);
    if (chart.chance) y_.include(y_place(*chart.chance));
    if (chart.band) {
      y_.include(y_place(chart.band->first));
      y_.include(y_place(chart.band->second));
    }
    if (chart.y_from_zero && !chart.log_y) y_.include(0);
    if (x_.empty()) x_ = {0, 1};
    if (y_.empty()) y_ = {0, 1};
    if (x_.low == x_.high) x_ = {std::max(0.0, x_.low - 1), x_.high + 1};
    widen_flat();
    // A flat line is drawn in the middle of the range.
    const double flat = y_.low == 0 ? 1 : std::abs(y_.low) * 0.1;
    const double margin = y_.low == y_.high ? flat : (y_.high - y_.low) * 0.05;
    y_.high += margin;
    if (chart.log_y || !chart.y_from_zero || y_.low < 0) y_.low -= margin;
    if (!chart.log_x && x_.low > 0 && x_.low < 0.1 * x_.high) x_.low = 0;
  }

  std::string paint() {
    // Each chart on a page needs its own clip id.
    const std::string clip = fmt::format("clip{}", next_clip++);
    out_ = fmt::format(
        "<svg viewBox=\"0 0 {0} {1}\" role=\"img\" aria-label=\"{2} over {3}\">"
        "<clipPath id=\"{4}\"><rect x=\"{5}\" y=\"{6}\" width=\"{7}\" height=\"{8}\"/></clipPath>",
        width_, height_, html_escape(chart_.y_label), html_escape(chart_.x_label), clip,
        kLeft - kDot, kTop - kDot, width_ - kLeft - kRight + 2 * kDot,
        height_ - kTop - kBottom + 2 * kDot);
    paint_axes();
    out_ += fmt::format("<g clip-path=\"url(#{})\">", clip);
    paint_levels();
    for (const ChartLine& line : chart_.lines) paint_line(line);
    return out_ + "</g></svg>\n";
  }

 private:
  /// All but flat lines stay so: noise in the fifth digit is no curve, and ticks closer than the
  /// digits of their labels would all read the same.
  void widen_flat() {
    const double least =
        chart_.log_y ? std::log10(1.005) : 0.005 * std::max(std::abs(y_.low), std::abs(y_.high));
    const double span = y_.high - y_.low;
    if (span == 0 || span >= least) return;
    y_.low -= (least - span) / 2;
    y_.high += (least - span) / 2;
  }

  void include(const ChartLine& line) {
    std::vector<double> values;
    for (const ChartPoint& point : line.points) {
      x_.include(point.x);
      if (std::isfinite(y_place(point.y))) values.push_back(y_place(point.y));
    }
    if (values.empty()) return;
    std::sort(values.begin(), values.end());
    // Spikes of a faint line must not flatten everything else.
    const size_t cut = line.look == ChartLine::Look::kFaint ? values.size() / 200 : 0;
    y_.include(values[cut]);
    y_.include(values[values.size() - 1 - cut]);
  }

  double x_at(double x) const {
    const auto place = [this](double v) { return chart_.log_x ? std::log10(1 + v) : v; };
    const double part = (place(x) - place(x_.low)) / (place(x_.high) - place(x_.low));
    return kLeft + part * (width_ - kLeft - kRight);
  }
  double y_place(double y) const { return chart_.log_y ? std::log10(y) : y; }
  double y_at(double y) const {
    return kTop + (y_.high - y_place(y)) / (y_.high - y_.low) * (height_ - kTop - kBottom);
  }

  void paint_axes() {
    const double right = width_ - kRight, bottom = height_ - kBottom;
    for (const double tick : chart_.log_y
                                 ? log_ticks(std::pow(10.0, y_.low), std::pow(10.0, y_.high))
                                 : ticks(y_, std::max(3, (height_ - 68) / 40))) {
      out_ += fmt::format(
          "<path class=\"grid\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>"
          "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>",
          kLeft, y_at(tick), right, kLeft - 7, y_at(tick) + 4, short_number(tick));
    }
    for (const double tick :
         chart_.log_x ? log_ticks(x_.low, x_.high) : ticks(x_, std::max(3, width_ / 90))) {
      out_ += fmt::format(
          "<path class=\"grid\" d=\"M{0:.1f} {1:.1f}v5\"/>"
          "<text x=\"{0:.1f}\" y=\"{2:.1f}\" text-anchor=\"middle\">{3}</text>",
          x_at(tick), bottom, bottom + 18, short_number(tick));
    }
    out_ += fmt::format(
        "<path class=\"axis\" d=\"M{0} {1}V{2:.1f}H{3:.1f}\"/>"
        "<text class=\"name\" x=\"4\" y=\"14\">{4}</text>"
        "<text class=\"name\" x=\"{3:.1f}\" y=\"{5:.1f}\" text-anchor=\"end\">{6}</text>",
        kLeft, kTop, bottom, right, html_escape(chart_.y_label), height_ - 6.0,
        html_escape(chart_.x_label));
  }

  void paint_levels() {
    if (chart_.band) {
      // An infinite end reaches the edge; a band of zero height stays visible.
      const double top = std::max(y_at(chart_.band->second), kTop);
      const double bottom = std::min(y_at(chart_.band->first), height_ - kBottom);
      const double height = std::max(1.5, bottom - top);
      out_ +=
          fmt::format("<rect class=\"band\" x=\"{}\" y=\"{:.1f}\" width=\"{}\" height=\"{:.1f}\"/>",
                      kLeft, top, width_ - kLeft - kRight, height);
    }
    if (chart_.chance) {
      out_ += fmt::format("<path class=\"chance\" d=\"M{} {:.1f}H{:.1f}\"/>", kLeft,
                          y_at(*chart_.chance), width_ - kRight);
    }
  }

  void paint_line(const ChartLine& line) {
    const std::string look = class_of(line);
    std::string path;
    bool pen_down = false;
    for (const ChartPoint& point : thinned(line.points)) {
      if (std::isfinite(point.y)) {
        path += fmt::format("{}{:.1f} {:.1f}", pen_down ? "L" : "M", x_at(point.x),
                            std::clamp(y_at(point.y), -1e4, 1e4));
      }
      pen_down = std::isfinite(point.y);
    }
    out_ += fmt::format("<path class=\"{}\" d=\"{}\"/>", look, path);
    // A single point has no line to draw, so it becomes a dot.
    const bool dots = line.points.size() == 1 ||
                      (line.look != ChartLine::Look::kFaint &&
                       line.look != ChartLine::Look::kTrain && line.points.size() <= 60);
    if (!dots) return;
    for (const ChartPoint& point : line.points) {
      if (!std::isfinite(point.y)) continue;
      out_ += fmt::format(
          "<circle class=\"{} dot\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\"><title>{}: {:.4g} at "
          "{:.12g}</title></circle>",
          look, x_at(point.x), y_at(point.y), kDot, html_escape(line.label), point.y, point.x);
    }
  }

  /// The lowest and highest point of each pixel column, in their original order.
  std::vector<ChartPoint> thinned(const std::vector<ChartPoint>& points) const {
    const auto columns = static_cast<size_t>(width_);
    if (points.size() <= 2 * columns) return points;
    std::vector<ChartPoint> result;
    for (size_t start = 0; start < points.size();) {
      const double column = std::floor(x_at(points[start].x));
      size_t low = start, high = start, end = start;
      for (; end < points.size() && std::floor(x_at(points[end].x)) == column; ++end) {
        if (points[end].y < points[low].y) low = end;
        if (!(points[end].y <= points[high].y)) high = end;  // NaN is kept: it breaks the line
      }
      result.push_back(points[std::min(low, high)]);
      if (low != high) result.push_back(points[std::max(low, high)]);
      start = end;
    }
    return result;
  }

  static inline uint64_t next_clip = 0;
  const Chart& chart_;
  const int width_, height_;
  Range x_, y_;  // y_ holds values of y_place(y)
  std::string out_;
};

}  // namespace

std::string render_legend(const Chart& chart) {
  std::string items;
  for (const ChartLine& line : chart.lines) {
    items += fmt::format("<span class=\"{}\">{}</span>", class_of(line), html_escape(line.label));
  }
  if (chart.chance) {
    items += fmt::format("<span class=\"chance\">chance {:.4g}</span>", *chart.chance);
  }
  if (chart.band) {
    const auto [low, high] = *chart.band;
    items += fmt::format("<span class=\"band\">expected {}</span>",
                         std::isinf(low)    ? fmt::format("at most {:.4g}", high)
                         : std::isinf(high) ? fmt::format("at least {:.4g}", low)
                                            : fmt::format("{:.4g} to {:.4g}", low, high));
  }
  return "<div class=\"legend\">" + items + "</div>\n";
}

std::string_view chart_style() {
  return R"(
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 0 0 8px; font-size: 0.85rem;
  color: var(--muted, #5d6778); }
.legend span::before { content: ""; display: inline-block; width: 18px; height: 3px;
  margin-right: 6px; vertical-align: middle; background: currentColor; }
.legend .train::before { background: var(--train, #2c6bd6); }
.legend .faint::before { background: var(--train, #2c6bd6); opacity: 0.35; }
.legend .val::before { background: var(--val, #c8560b); }
.legend .chance::before { height: 0; background: none; border-top: 2px dashed var(--muted, #5d6778); }
.legend .band::before { height: 10px; background: var(--good-soft, #15713f1f);
  border: solid var(--good, #15713f); border-width: 1px 0; }
.grid { stroke: var(--line, #e1e5eb); fill: none; }
.axis { stroke: var(--muted, #5d6778); fill: none; }
path.train, path.val, path.faint, path.series { fill: none; stroke-width: 2; stroke-linejoin: round;
  stroke-linecap: round; }
path.train { stroke: var(--train, #2c6bd6); }
path.val { stroke: var(--val, #c8560b); }
path.faint { stroke: var(--train, #2c6bd6); stroke-width: 1; opacity: 0.3; }
circle.train, circle.faint { fill: var(--train, #2c6bd6); }
circle.val { fill: var(--val, #c8560b); }
path.chance { stroke: var(--muted, #5d6778); stroke-width: 1.5; stroke-dasharray: 6 5; fill: none; }
rect.band { fill: var(--good-soft, #15713f1f); stroke: var(--good, #15713f); stroke-width: 0.5; }
path.series { stroke: var(--series, #5d6778); }
path.dashed { stroke-dasharray: 7 4; }
.legend .series.dashed::before { height: 0; background: none; border-top: 3px dashed var(--series, #5d6778); }
circle.series { fill: var(--series, #5d6778); }
.legend .series::before { background: var(--series, #5d6778); }
.s0 { --series: #2c6bd6; } .s1 { --series: #c8560b; } .s2 { --series: #15713f; } .s3 { --series: #8e44ad; }
.s4 { --series: #b3261e; } .s5 { --series: #0b7d8a; } .s6 { --series: #8a6d00; } .s7 { --series: #5d6778; }
@media (prefers-color-scheme: dark) {
  .s0 { --series: #74a7ff; } .s1 { --series: #ff9d57; } .s2 { --series: #5fd08f; } .s3 { --series: #d19cf0; }
  .s4 { --series: #ff8a80; } .s5 { --series: #5fcad6; } .s6 { --series: #e0c14d; } .s7 { --series: #9aa5b6; }
}
)";
}

std::string render_both(const Chart& chart) {
  return fmt::format("<div class=\"for-wide\">{}</div><div class=\"for-narrow\">{}</div>\n",
                     render_svg(chart, 1000, 400), render_svg(chart, 400, 300));
}

std::string render_svg(const Chart& chart, int width, int height) {
  return Painter(chart, width, height).paint();
}

std::vector<ChartPoint> smooth(const std::vector<ChartPoint>& points) {
  const size_t n = points.size(), half = n / 100;
  std::vector<double> sums(n + 1, 0);  // of the finite values before each point
  std::vector<size_t> counts(n + 1, 0);
  for (size_t i = 0; i < n; ++i) {
    const bool finite = std::isfinite(points[i].y);
    sums[i + 1] = sums[i] + (finite ? points[i].y : 0);
    counts[i + 1] = counts[i] + (finite ? 1 : 0);
  }
  std::vector<ChartPoint> result(n);
  for (size_t i = 0; i < n; ++i) {
    const size_t reach = std::min({half, i, n - 1 - i});
    // Near the end, where curves are flat, include more past points to keep the line smooth.
    const size_t past = n - 1 - i < half ? std::max(reach, half / 2) : reach;
    const size_t first = i - past, last = i + reach + 1;
    const size_t count = counts[last] - counts[first];
    result[i] = {points[i].x, std::isfinite(points[i].y)
                                  ? (sums[last] - sums[first]) / static_cast<double>(count)
                                  : points[i].y};
  }
  return result;
}

std::string short_number(double value) {
  if (!std::isfinite(value)) return "\xE2\x80\x93";
  const double size = std::abs(value);
  if (size == 0) return "0";
  for (const auto& [unit, suffix] : {std::pair{1e9, "G"}, {1e6, "M"}, {1e3, "k"}}) {
    if (size >= unit && size >= 1e4 && size < 1e12) {
      return fmt::format("{:.4g}{}", value / unit, suffix);
    }
  }
  std::string text = fmt::format("{:.4g}", value);
  // "3e-05" becomes "3e-5".
  if (const size_t e = text.find('e'); e != std::string::npos && text[e + 2] == '0') {
    text.erase(e + 2, 1);
  }
  return text;
}

}  // namespace zoo
