#include "train/run/report_charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "app/figures/chart.h"
#include "app/figures/html.h"
#include "base/natural_order.h"

namespace zoo {

const std::string_view kChartStyle = R"(
.switch { position: absolute; opacity: 0; }
.switch + label { display: inline-block; padding: 2px 12px; margin: 0 4px 8px 0; font-size: 0.85rem;
  border: 1px solid var(--line); border-radius: 99px; color: var(--muted); cursor: pointer; }
.switch:checked + label { color: var(--ink); border-color: var(--muted); font-weight: 600; }
.switch:focus-visible + label { outline: 2px solid var(--train); }
#x-linear:checked ~ .log, #x-log:checked ~ .linear { display: none; }
.small { display: grid; gap: 16px; margin-top: 16px;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 330px), 1fr)); }
)";

namespace {

struct Words {
  std::string_view key, heading, axis;
};

constexpr std::array<Words, 42> kWords = {{
    {"loss", "Loss", "loss (nats)"},
    {"perplexity", "Perplexity", "perplexity"},
    {"bits_per_byte", "Bits per byte", "bits per byte of text"},
    {"accuracy", "Accuracy", "accuracy (share of 1)"},
    {"top5_accuracy", "Among the best five", "right one among five (share of 1)"},
    {"zero_shot_accuracy", "Zero-shot accuracy", "accuracy (share of 1)"},
    {"recall_at_1", "Recall at 1", "found first (share of 1)"},
    {"recall_at_5", "Recall at 5", "found among five (share of 1)"},
    {"recall_at_10", "Recall at 10", "found among ten (share of 1)"},
    {"image_recall_at_1", "Picture for a text, recall at 1", "found first (share of 1)"},
    {"image_recall_at_5", "Picture for a text, recall at 5", "found among five (share of 1)"},
    {"image_recall_at_10", "Picture for a text, recall at 10", "found among ten (share of 1)"},
    {"text_recall_at_1", "Text for a picture, recall at 1", "found first (share of 1)"},
    {"text_recall_at_5", "Text for a picture, recall at 5", "found among five (share of 1)"},
    {"text_recall_at_10", "Text for a picture, recall at 10", "found among ten (share of 1)"},
    {"macro_f1", "F1, mean over classes", "F1 (share of 1)"},
    {"entity_f1", "F1 of entities", "F1 (share of 1)"},
    {"mlm_loss", "Loss of the generator", "loss (nats)"},
    {"mlm_accuracy", "Accuracy of the generator", "accuracy (share of 1)"},
    {"rtd_loss", "Loss of the discriminator", "loss (nats)"},
    {"rtd_accuracy", "Accuracy of the discriminator", "accuracy (share of 1)"},
    {"rtd_auc", "Area under the ROC curve", "area (0.5: guessing)"},
    {"nsp_accuracy", "Accuracy of next sentence", "accuracy (share of 1)"},
    {"sop_accuracy", "Accuracy of sentence order", "accuracy (share of 1)"},
    {"wer", "Word error rate", "word error rate"},
    {"cer", "Character error rate", "character error rate"},
    {"ter", "Translation edit rate", "edit rate"},
    {"future_token_loss", "Tokens after the next one", "cross-entropy"},
    {"head_similarity", "Similarity of heads", "cosine"},
    {"expert_balance", "Balance of experts", "load-balancing loss (1: even)"},
    {"expert_busiest", "The busiest expert", "its tokens (1: an even share)"},
    {"expert_dropped", "Tokens without room", "share of choices that experts drop"},
    {"router_entropy", "Entropy of the router", "entropy (nats)"},
    {"router_z", "Size of the router's logits", "squared log of the sum of exponentials"},
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
    html += fmt::format("<div class=\"{}\">{}</div>\n", scale, render_both(chart));
  }
  return html + "</section>\n";
}

std::string small_chart(const Chart& chart, const std::string& heading) {
  return fmt::format("<section class=\"card\"><h3>{}</h3>{}{}</section>\n", html_escape(heading),
                     render_legend(chart), render_svg(chart, 340, 230));
}

/// "some score" for "some_score".
std::string spaced(std::string key) {
  std::replace(key.begin(), key.end(), '_', ' ');
  return key;
}

}  // namespace

std::string heading_of(const std::string& key) {
  for (const Words& words : kWords) {
    if (words.key == key) return std::string(words.heading);
  }
  std::string heading = spaced(key);
  if (!heading.empty() && heading[0] >= 'a' && heading[0] <= 'z') heading[0] -= 'a' - 'A';
  return heading;
}

std::string in_a_sentence(const std::string& key) {
  std::string heading = heading_of(key);
  const auto is = [&](size_t at, char first, char last) {
    return at < heading.size() && heading[at] >= first && heading[at] <= last;
  };
  if (is(0, 'A', 'Z') && is(1, 'a', 'z')) heading[0] += 'a' - 'A';
  return heading;
}

std::string axis_of(const std::string& key) {
  for (const Words& words : kWords) {
    if (words.key == key) return std::string(words.axis);
  }
  return spaced(key);
}

std::vector<std::string> measures_of(const std::vector<MetricsRecord>& metrics,
                                     std::string_view split) {
  std::vector<std::string> keys;
  for (const MetricsRecord& record : metrics) {
    if (!split.empty() && record.split != split) continue;
    for (const auto& [key, value] : record.values) {
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
  }
  const auto is_validated = [&](const std::string& key) {
    return std::any_of(metrics.begin(), metrics.end(), [&](const MetricsRecord& record) {
      return record.split == "val" && record.find(key);
    });
  };
  std::map<std::string, int> place;
  for (const auto& key : keys)
    place[key] = key == "loss" ? 0 : key == "elapsed_s" ? 3 : is_validated(key) ? 1 : 2;
  std::stable_sort(keys.begin(), keys.end(), [&](const std::string& a, const std::string& b) {
    if (place[a] != place[b]) return place[a] < place[b];
    return as_people_sort(a) < as_people_sort(b);
  });
  return keys;
}

std::string render_charts(const ReportInput& input) {
  std::string large, small;
  for (const std::string& key : measures_of(input.metrics)) {
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
