#include "train/compare/comparison_charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/figures/chart.h"
#include "app/figures/html.h"
#include "train/run/report_charts.h"

namespace zoo {

const std::string_view kComparisonChartStyle = R"(
.plot { margin: 0 0 16px; }
.to-linear:checked ~ .log, .to-log:checked ~ .linear { display: none; }
)";

namespace {

constexpr size_t kMostLines = 16;  // that colours and dashes tell apart

/// The groups to draw: all, or the best.
std::vector<size_t> drawn_groups(const Comparison& c) {
  std::vector<size_t> order;
  for (size_t g = 0; g < c.groups.size(); ++g) order.push_back(g);
  if (order.size() <= kMostLines) return order;
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    const auto &x = c.groups[a].best.mean, &y = c.groups[b].best.mean;
    if (!x || !y) return x.has_value() > y.has_value();
    return c.higher_is_better ? *x > *y : *x < *y;
  });
  order.resize(kMostLines);
  std::sort(order.begin(), order.end());
  return order;
}

using Place = double Measured::*;  // what x is

/// The mean over the group's runs at the steps that all of them have measured; of one run, itself.
std::vector<ChartPoint> mean_curve(const Comparison& c, const RunGroup& group,
                                   const std::string& metric, const std::string& split, Place x) {
  std::vector<std::vector<Measured>> curves;
  for (const size_t i : group.runs) {
    auto curve = measured_in(c.runs[i], metric, split);
    if (!curve.empty()) curves.push_back(std::move(curve));
  }
  std::vector<ChartPoint> points;
  if (curves.empty()) return points;
  std::vector<size_t> at(curves.size(), 0);
  for (const Measured& first : curves.front()) {
    ChartPoint point;
    bool all = true;
    for (size_t k = 0; k < curves.size() && all; ++k) {
      while (at[k] < curves[k].size() && curves[k][at[k]].step < first.step) ++at[k];
      all = at[k] < curves[k].size() && curves[k][at[k]].step == first.step;
      if (!all) break;
      const Measured& here = curves[k][at[k]];
      point.x += here.*x / static_cast<double>(curves.size());
      point.y += here.value / static_cast<double>(curves.size());
    }
    if (all) points.push_back(point);
  }
  return points;
}

Chart chart_of_groups(const Comparison& c, const std::string& metric, const std::string& split,
                      Place x, const std::string& x_label) {
  Chart chart{.x_label = x_label, .y_label = axis_of(metric)};
  int series = 0;
  for (const size_t g : drawn_groups(c)) {
    auto points = mean_curve(c, c.groups[g], metric, split, x);
    if (split == "train" && points.size() >= 100) points = smooth(points);
    if (!points.empty()) {
      const auto seeds = c.groups[g].runs.size();
      chart.lines.push_back(
          {.label = c.groups[g].label + (seeds > 1 ? fmt::format(" (mean of {})", seeds) : ""),
           .look = ChartLine::Look::kSeries,
           .points = std::move(points),
           .series = series});
    }
    ++series;  // a group has one colour in all charts
  }
  if (metric == c.metric) chart.chance = c.chance;
  return chart;
}

/// Of values above 0 that span more than one and a half decades: the low ones would all lie on the
/// axis.
bool wants_log_y(const Chart& chart) {
  double low = INFINITY, high = 0;
  for (const ChartLine& line : chart.lines) {
    for (const ChartPoint& point : line.points) {
      if (!std::isfinite(point.y)) continue;
      low = std::min(low, point.y);
      high = std::max(high, point.y);
    }
  }
  return low > 0 && high > 30 * low;
}

/// With a switch between a linear and a logarithmic x axis; `id` belongs to it alone.
std::string section_of(Chart chart, const std::string& id, const std::string& heading) {
  if (chart.lines.empty()) return "";
  chart.log_y = wants_log_y(chart);
  if (chart.log_y && chart.chance && *chart.chance <= 0) chart.chance = {};
  std::string html = fmt::format("<section class=\"card plot\"><h3>{}</h3>{}", html_escape(heading),
                                 render_legend(chart));
  for (const bool log_x : {false, true}) {
    const char* scale = log_x ? "log" : "linear";
    html += fmt::format(
        "<input class=\"switch to-{1}\" type=\"radio\" name=\"{0}\" id=\"{0}-{1}\"{2}><label "
        "for=\"{0}-{1}\">{3}</label>",
        id, scale, log_x ? "" : " checked", log_x ? "log " + html_escape(chart.x_label) : "linear");
  }
  for (const bool log_x : {false, true}) {
    chart.log_x = log_x;
    html +=
        fmt::format("<div class=\"{}\">{}</div>\n", log_x ? "log" : "linear", render_both(chart));
  }
  return html + "</section>\n";
}

/// Whether some runs made their updates much faster than others.
bool speeds_differ(const Comparison& c) {
  double low = INFINITY, high = 0;
  for (const RunRecord& run : c.runs) {
    if (!run.seconds || *run.seconds <= 0 || run.updates == 0) continue;
    const double speed = static_cast<double>(run.updates) / *run.seconds;
    low = std::min(low, speed);
    high = std::max(high, speed);
  }
  return high > 1.1 * low;
}

}  // namespace

std::string comparison_charts(const Comparison& c) {
  const std::string split = c.split == "val" ? "validation" : "training";
  std::string html = section_of(chart_of_groups(c, c.metric, c.split, &Measured::step, "updates"),
                                "by-step", fmt::format("{}, {}", heading_of(c.metric), split));
  if (speeds_differ(c)) {
    html += section_of(chart_of_groups(c, c.metric, c.split, &Measured::seconds, "seconds"),
                       "by-time", fmt::format("{}, {}, over time", heading_of(c.metric), split));
  }
  if (c.split != "train" || c.metric != "loss") {
    html += section_of(chart_of_groups(c, "loss", "train", &Measured::step, "updates"), "by-loss",
                       "Loss, training");
  }
  if (c.groups.size() > kMostLines) {
    html += fmt::format("<p class=\"hint\">Drawn: the best {} of {}.</p>\n", kMostLines,
                        c.groups.size());
  }
  return html;
}

}  // namespace zoo
