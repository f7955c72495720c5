// The comparison of mixers as a table, as JSON and as a page.
#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "app/figures/chart.h"
#include "app/figures/html.h"
#include "base/printable.h"
#include "infer/comparison/mixer_comparison.h"
#include "infer/comparison/report_parts.h"

namespace zoo {
namespace {

const std::vector<std::string>& mixer_headings() {
  static const std::vector<std::string> names = {"mixer",    "ms",  "x softmax", "promised",
                                                 "exponent", "MiB", "exponent",  "error"};
  return names;
}

std::vector<std::pair<double, double>> points_of(const std::vector<MixerResult>& results,
                                                 MixerKind mixer, bool causal, bool memory) {
  std::vector<std::pair<double, double>> points;
  for (const MixerResult& r : results) {
    const double y = memory ? static_cast<double>(r.peak_bytes) / (1 << 20) : 1000 * r.seconds;
    if (r.mixer == mixer && r.causal == causal && y > 0)
      points.emplace_back(static_cast<double>(r.length), y);
  }
  return points;
}

std::string exponent_text(const std::vector<std::pair<double, double>>& points) {
  const auto exponent = fitted_exponent(points);
  return exponent ? fmt::format("{:.2f}", *exponent) : "";
}

/// One direction at its greatest length.
struct MixerTable {
  bool causal = false;
  int64_t length = 0;
  std::vector<const MixerResult*> results = {};

  std::string title() const {
    return fmt::format("{} tokens, {}", length, causal ? "causal" : "both ways");
  }
};

std::vector<MixerTable> tables_of(const std::vector<MixerResult>& results) {
  std::vector<MixerTable> tables;
  for (const MixerResult& r : results) {
    if (tables.empty() || tables.back().causal != r.causal) tables.push_back({.causal = r.causal});
    MixerTable& table = tables.back();
    if (table.length != r.length) table.results.clear();
    table.length = r.length;
    table.results.push_back(&r);
  }
  return tables;
}

ReportRows mixer_rows(const MixerTable& table, const std::vector<MixerResult>& all) {
  ReportRows rows = {mixer_headings()};
  const MixerResult& softmax = *table.results.front();
  for (const MixerResult* r : table.results) {
    const std::string name(name_of(r->mixer));
    if (!r->refused.empty()) {
      rows.push_back({name, "", "", "", "", "", "", r->refused});
      continue;
    }
    rows.push_back({name, fmt::format("{:.1f}", 1000 * r->seconds),
                    fmt::format("{:.1f}", softmax.seconds / r->seconds),
                    fmt::format("{:.1f}", softmax.operations / r->operations),
                    exponent_text(points_of(all, r->mixer, r->causal, false)),
                    fmt::format("{:.1f}", static_cast<double>(r->peak_bytes) / (1 << 20)),
                    exponent_text(points_of(all, r->mixer, r->causal, true)),
                    r->error ? fmt::format("{:.2f}", printable(*r->error)) : ""});
  }
  return rows;
}

std::string mixer_chart(const std::vector<MixerResult>& results, bool causal, bool memory) {
  Chart chart{.x_label = "length T", .y_label = memory ? "peak memory, MiB" : "time, ms"};
  chart.log_x = chart.log_y = true;
  int series = 0;
  for (const auto& [kind, name] : EnumNames<MixerKind>::values) {
    const auto points = points_of(results, kind, causal, memory);
    if (points.empty()) continue;
    ChartLine line{
        .label = std::string(name), .look = ChartLine::Look::kSeries, .series = series++};
    const std::string exponent = exponent_text(points);
    if (!exponent.empty()) line.label += ": T to the " + exponent;
    for (const auto& [x, y] : points) line.points.push_back({x, y});
    chart.lines.push_back(std::move(line));
  }
  return "<div class=\"card\">" + render_legend(chart) + render_both(chart) + "</div>\n";
}

}  // namespace

std::string mixer_table(const std::vector<MixerResult>& results) {
  std::string text;
  for (const MixerTable& table : tables_of(results)) {
    text +=
        (text.empty() ? "" : "\n") + table.title() + "\n" + report_text(mixer_rows(table, results));
  }
  return text;
}

std::string mixer_json(const MixerComparisonOptions& options, const Machine& machine,
                       const std::vector<MixerResult>& results) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const MixerResult& r : results) {
    nlohmann::ordered_json entry = {
        {"mixer", name_of(r.mixer)}, {"length", r.length}, {"causal", r.causal}};
    if (r.refused.empty()) {
      entry.update(
          {{"seconds", r.seconds}, {"operations", r.operations}, {"peak_bytes", r.peak_bytes}});
      if (r.error) entry["error"] = *r.error;
    } else {
      entry["refused"] = r.refused;
    }
    list.push_back(std::move(entry));
  }
  const nlohmann::ordered_json whole = {{"machine", machine_json(machine)},
                                        {"heads", options.heads},
                                        {"head_width", options.head_width},
                                        {"results", list}};
  return whole.dump();
}

std::string mixer_page(const MixerComparisonOptions& options, const Machine& machine,
                       const std::vector<MixerResult>& results) {
  constexpr std::string_view kStyle = R"(
.card { margin: 12px 0; }
td, th { text-align: right; white-space: nowrap; }
td:first-child, th:first-child { text-align: left; }
)";
  std::string body = fmt::format(
      "<h1>Mixers compared</h1>\n<p>{}, LibTorch {}. One row, {} heads of width {}, float32, "
      "forward.</p>\n<p>ms: one call, the median. x softmax: how many times as fast as kernel "
      "flash; promised: the same by operations of matrix products. exponent: of the growth with "
      "the length, of the time and of the memory beyond the inputs. error: |y - attention| / "
      "|attention| where the mixer approximates attention, for tokens in clusters of about 16 that "
      "attend mostly to each other; linformer projects by means of neighbours, untrained.</p>\n"
      "<p>Fewer operations are not as much less time: exponentials, masks and the sorting of "
      "tokens "
      "are not counted, and flash keeps its tiles in registers, where these mixers are products of "
      "small matrices one after the other.</p>\n",
      html_escape(summary_of(machine)), html_escape(machine.torch_version), options.heads,
      options.head_width);
  for (const MixerTable& table : tables_of(results)) {
    body += "<h2>" + html_escape(table.title()) + "</h2>\n" +
            report_html(mixer_rows(table, results)) + mixer_chart(results, table.causal, false) +
            mixer_chart(results, table.causal, true);
  }
  return html_page("Mixers compared", std::string(chart_style()) + std::string(kStyle), body);
}

}  // namespace zoo
