#include "train/run/report_charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "app/figures/chart.h"
#include "app/figures/html.h"

namespace zoo {

const std::string_view kChartStyle = R"(
.switch { position: absolute; opacity: 0; }
.switch + label { display: inline-block; padding: 2px 12px; margin: 0 4px 8px 0; font-size: 0.85rem;
  border: 1px solid var(--line); border-radius: 99px; color: var(--muted); cursor: pointer; }
.switch:checked + label { color: var(--ink); border-color: var(--muted); font-weight: 600; }
.switch:focus-visible + label { outline: 2px solid var(--train); }
#x-linear:checked ~ .log, #x-log:checked ~ .linear { display: none; }
.narrow { display: none; }
@media (max-width: 640px) { .narrow { display: block; } .wide { display: none; } }
.small { display: grid; gap: 16px; margin-top: 16px;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 330px), 1fr)); }
)";

namespace {

struct Words {
  std::string_view key, heading, axis;
};

constexpr std::array<Words, 23> kWords = {{
    {"loss", "Loss", "loss (nats)"},
    {"perplexity", "Perplexity", "perplexity"},
    {"bits_per_byte", "Bits per byte", "bits per byte of text"},
    {"accuracy", "Accuracy", "accuracy (share of 1)"},
    {"top5_accuracy", "Among the best five", "right one among five (share of 1)"},
    {"zero_shot_accuracy", "Zero-shot accuracy", "accuracy (share of 1)"},
    {"recall_at_1", "Recall at 1", "found first (share of 1)"},
    {"recall_at_5", "Recall at 5", "found among five (share of 1)"},
    {"recall_at_10", "Recall at 10", "found among ten (share of 1)"},
    {"image_recall_at_1", "Pictures for a text, 1", "found first (share of 1)"},
    {"image_recall_at_5", "Pictures for a text, 5", "found among five (share of 1)"},
    {"image_recall_at_10", "Pictures for a text, 10", "found among ten (share of 1)"},
    {"text_recall_at_1", "Texts for a picture, 1", "found first (share of 1)"},
    {"text_recall_at_5", "Texts for a picture, 5", "found among five (share of 1)"},
    {"text_recall_at_10", "Texts for a picture, 10", "found among ten (share of 1)"},
    {"bleu", "BLEU", "BLEU (0 to 100)"},
    {"chrf", "chrF", "chrF2 (0 to 100)"},
    {"exact_match", "Exact match", "right to the last token (share of 1)"},
    {"lr", "Learning rate", "learning rate"},
    {"grad_norm", "Gradient norm", "norm of the gradient"},
    {"tokens_per_s", "Speed", "tokens per second"},
    {"images_per_s", "Speed", "images per second"},
    {"pairs_per_s", "Speed", "pairs per second"},
}};

std::vector<ChartPoint> points_of(const ReportInput& input, const std::string& key,
                                  std::string_view split) {
  std::vector<ChartPoint> points;
  for (const MetricsRecord& record : input.metrics) {
    if (record.split != split) continue;
    if (const auto value = record.find(key)) {
      points.push_back({static_cast<double>(record.step), *value});
    }
  }
  std::stable_sort(points.begin(), points.end(), [](auto& a, auto& b) { return a.x < b.x; });
  return points;
}

Chart chart_of(const ReportInput& input, const std::string& key) {
  Chart chart;
  chart.x_label = "updates";
  chart.y_label = axis_of(key);
  const std::vector<ChartPoint> train = points_of(input, key, "train");
  // Below 100 points there is nothing to smooth; a learning rate is no noisy measurement.
  const bool noisy = train.size() >= 100 && key != "lr";
  if (noisy) chart.lines.push_back({"train, each update", ChartLine::Look::kFaint, train});
  if (!train.empty()) {
    chart.lines.push_back({noisy ? "train, smoothed" : "train", ChartLine::Look::kTrain,
                           noisy ? smooth(train) : train});
  }
  const std::vector<ChartPoint> val = points_of(input, key, "val");
  if (!val.empty()) chart.lines.push_back({"validation", ChartLine::Look::kVal, val});
  chart.y_from_zero = key == "lr" || key.ends_with("_per_s") || key == "grad_norm";
  if (key == input.metric) {
    chart.chance = input.chance_level;
    chart.band = input.expected_band;
  }
  return chart;
}

std::string large_chart(Chart chart, const std::string& heading) {
  std::string html = fmt::format(
      "<section class=\"card\"><h3>{}</h3>{}"
      "<input class=\"switch\" type=\"radio\" name=\"x\" id=\"x-linear\" checked>"
      "<label for=\"x-linear\">linear</label>"
      "<input class=\"switch\" type=\"radio\" name=\"x\" id=\"x-log\">"
      "<label for=\"x-log\">log updates</label>\n",
      html_escape(heading), render_legend(chart));
  for (const bool log_x : {false, true}) {
    chart.log_x = log_x;
    const char* scale = log_x ? "log" : "linear";
    html += fmt::format("<div class=\"{}\"><div class=\"wide\">{}</div><div class=\"narrow\">{}",
                        scale, render_svg(chart, 1000, 400), render_svg(chart, 400, 300)) +
            "</div></div>\n";
  }
  return html + "</section>\n";
}

std::string small_chart(const Chart& chart, const std::string& heading) {
  return fmt::format("<section class=\"card\"><h3>{}</h3>{}{}</section>\n", html_escape(heading),
                     render_legend(chart), render_svg(chart, 340, 230));
}

/// All measures in the order in which the metrics name them first.
std::vector<std::string> keys_of(const ReportInput& input) {
  std::vector<std::string> keys;
  for (const MetricsRecord& record : input.metrics) {
    for (const auto& [key, value] : record.values) {
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
  }
  return keys;
}

}  // namespace

std::string heading_of(const std::string& key) {
  for (const Words& words : kWords) {
    if (words.key == key) return std::string(words.heading);
  }
  return key;
}

std::string axis_of(const std::string& key) {
  for (const Words& words : kWords) {
    if (words.key == key) return std::string(words.axis);
  }
  return key;
}

std::string render_charts(const ReportInput& input) {
  std::string large, small;
  for (const std::string& key : keys_of(input)) {
    // The clock is no measure, and perplexity is the loss once more.
    if (key == "elapsed_s" || (key == "perplexity" && input.metric != key)) continue;
    const Chart chart = chart_of(input, key);
    if (chart.lines.empty()) continue;
    if (key == "loss") {
      large = large_chart(chart, heading_of(key));
    } else {
      small += small_chart(chart, heading_of(key));
    }
  }
  if (!small.empty()) small = "<div class=\"small\">\n" + small + "</div>\n";
  return large + small;
}

}  // namespace zoo
