// The results as a table, as JSON and as a page.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "app/figures/chart.h"
#include "app/figures/html.h"
#include "base/printable.h"
#include "infer/comparison/attention_comparison.h"
#include "infer/comparison/report_parts.h"

namespace zoo {
namespace {

std::string milliseconds(double seconds) { return fmt::format("{:.3f}", 1000 * seconds); }

std::string mebibytes(int64_t bytes) {
  return fmt::format("{:.1f}", static_cast<double>(bytes) / (1 << 20));
}

const std::vector<std::string>& headings() {
  static const std::vector<std::string> names = {"kernel",  "ms",    "GFLOP/s", "of peak",
                                                 "x torch", "error", "MiB",     "operator"};
  return names;
}

/// The name in Python's torch.
std::string name_of(torch::Dtype dtype) {
  switch (dtype) {
    case torch::kDouble:
      return "float64";
    case torch::kBFloat16:
      return "bfloat16";
    case torch::kHalf:
      return "float16";
    default:
      return "float32";
  }
}

/// Results of one case, which follow each other.
struct Case {
  std::string title;
  std::vector<const ComparisonResult*> results;
};

std::vector<Case> cases_of(const std::vector<ComparisonResult>& results) {
  std::vector<Case> cases;
  for (const ComparisonResult& r : results) {
    const auto title =
        fmt::format("{} {} {}", r.shape.text(), r.causal ? "causal" : "full", name_of(r.pass));
    if (cases.empty() || cases.back().title != title) cases.push_back({title, {}});
    cases.back().results.push_back(&r);
  }
  return cases;
}

std::vector<std::string> cells(const ComparisonResult& r, double torch_seconds) {
  if (!r.refused.empty()) return {r.kernel, "", "", "", "", "", "", r.refused};
  return {r.kernel,
          milliseconds(r.seconds),
          fmt::format("{:.1f}", r.gflops),
          fmt::format("{:.0f} %", 100 * r.peak_share),
          torch_seconds > 0 ? fmt::format("{:.2f}", torch_seconds / r.seconds) : "",
          fmt::format("{:.1e}", printable(r.max_error)),
          r.peak_bytes > 0 ? mebibytes(r.peak_bytes) : "",
          r.torch_kernel};
}

std::vector<std::vector<std::string>> rows_of(const Case& one) {
  double torch_seconds = 0;
  for (const ComparisonResult* r : one.results)
    if (r->kernel == "torch") torch_seconds = r->seconds;
  std::vector<std::vector<std::string>> rows = {headings()};
  for (const ComparisonResult* r : one.results) rows.push_back(cells(*r, torch_seconds));
  return rows;
}

using Curves = std::map<std::string, std::vector<std::pair<double, double>>>;

template <class Value>
Curves curves_of(const std::vector<ComparisonResult>& sweep, Value value) {
  Curves curves;
  for (const ComparisonResult& r : sweep) {
    if (r.refused.empty() && value(r) > 0)
      curves[r.kernel].emplace_back(static_cast<double>(r.shape.T), value(r));
  }
  return curves;
}

std::string chart_of(const Curves& curves, std::string y_label, bool with_exponents) {
  Chart chart{.x_label = "length T", .y_label = std::move(y_label)};
  chart.log_x = chart.log_y = true;
  int series = 0;
  for (const auto& [kernel, points] : curves) {
    ChartLine line{.label = kernel, .look = ChartLine::Look::kSeries, .series = series++};
    const auto exponent = fitted_exponent(points);
    if (with_exponents && exponent) line.label += fmt::format(": T to the {:.2f}", *exponent);
    for (const auto& [x, y] : points) line.points.push_back({x, y});
    chart.lines.push_back(line);
  }
  return "<div class=\"card\">" + render_legend(chart) + render_both(chart) + "</div>\n";
}

std::string sweep_section(const std::vector<ComparisonResult>& sweep) {
  if (sweep.empty()) return "";
  const AttentionShape& shape = sweep.front().shape;
  const auto times = curves_of(sweep, [](const ComparisonResult& r) { return 1000 * r.seconds; });
  const auto memory = curves_of(sweep, [](const ComparisonResult& r) {
    return static_cast<double>(r.peak_bytes) / (1 << 20);
  });
  return fmt::format("<h2>Growing length</h2>\n<p>Forward, {}, {} row, {} heads of width {}.</p>\n",
                     sweep.front().causal ? "causal" : "full", shape.B, shape.H, shape.Dh) +
         chart_of(times, "time, ms", true) + "<h3>Memory beyond the inputs</h3>\n" +
         chart_of(memory, "peak memory, MiB", false);
}

}  // namespace

std::string comparison_table(const std::vector<ComparisonResult>& results) {
  std::string text;
  for (const Case& one : cases_of(results)) {
    text += (text.empty() ? "" : "\n") + one.title +
            fmt::format("; torch's error {:.1e}\n", one.results.front()->torch_error) +
            report_text(rows_of(one));
  }
  return text;
}

std::string comparison_json(const ComparisonOptions& options, const Machine& machine,
                            const std::vector<ComparisonResult>& results) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  const std::string dtype = name_of(options.dtype);
  for (const ComparisonResult& r : results) {
    nlohmann::ordered_json entry = {{"kernel", r.kernel},
                                    {"shape", {r.shape.B, r.shape.H, r.shape.T, r.shape.Dh}},
                                    {"S", r.shape.S},
                                    {"Hkv", r.shape.Hkv},
                                    {"causal", r.causal},
                                    {"pass", name_of(r.pass)},
                                    {"dtype", dtype},
                                    {"device", machine.device},
                                    {"threads", machine.threads}};
    if (r.refused.empty()) {
      entry.update({{"seconds", r.seconds},
                    {"gflops", r.gflops},
                    {"peak_share", r.peak_share},
                    {"max_error", r.max_error},
                    {"torch_error", r.torch_error},
                    {"peak_bytes", r.peak_bytes}});
    } else {
      entry["refused"] = r.refused;
    }
    if (!r.torch_kernel.empty()) entry["torch_kernel"] = r.torch_kernel;
    list.push_back(std::move(entry));
  }
  const nlohmann::ordered_json whole = {{"machine", machine_json(machine)}, {"results", list}};
  return whole.dump();
}

std::string comparison_page(const Machine& machine, const std::vector<ComparisonResult>& results,
                            const std::vector<ComparisonResult>& sweep) {
  constexpr std::string_view kStyle = R"(
td, th { text-align: right; white-space: nowrap; }
td:first-child, th:first-child, td:last-child { text-align: left; }
h3 { margin: 22px 0 6px; }
.card { margin: 12px 0; }
)";
  std::string body = "<h1>Attention kernels compared</h1>\n";
  body += fmt::format(
      "<p>{}, LibTorch {}; a product of two {} x {} matrices "
      "runs at {:.0f} GFLOP/s.</p>\n",
      html_escape(summary_of(machine)), html_escape(machine.torch_version), machine.matmul_size,
      machine.matmul_size, machine.matmul_gflops);
  body += sweep_section(sweep);
  body +=
      "<h2>Case by case</h2>\n<p>Shapes are B x H x T x Dh. ms: one call, the median of "
      "interleaved repeats. x torch: how many times as fast as kernel torch. error: the largest "
      "difference to float64, of the output and, with backward, of the gradients. MiB: peak "
      "memory beyond the inputs.</p>\n";
  for (const Case& one : cases_of(results))
    body += "<h3>" + html_escape(one.title) + "</h3>\n" + report_html(rows_of(one));
  return html_page("Attention kernels compared", std::string(chart_style()) + std::string(kStyle),
                   body);
}

}  // namespace zoo
