#include "train/run/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "app/figures/chart.h"
#include "app/figures/html.h"
#include "app/figures/matrix_figure.h"
#include "base/printable.h"
#include "train/run/report_charts.h"

namespace zoo {
namespace {

constexpr std::string_view kReportStyle = R"(
.verdict { padding: 10px 16px; border-radius: 10px; font-weight: 600; margin: 0 0 16px;
  background: var(--plain-soft); }
.verdict.reached { background: var(--good-soft); color: var(--good); }
.verdict.missed { background: var(--bad-soft); color: var(--bad); }
.tiles { display: grid; gap: 12px; margin: 0 0 16px;
  grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); }
.tile { padding: 12px 16px; }
.tile b { display: block; font-size: 1.35rem; line-height: 1.25; overflow-wrap: anywhere; }
.tile.sentence b { font-size: 0.95rem; font-weight: 600; }
.tile span { color: var(--muted); font-size: 0.85rem; }
.groups { display: grid; gap: 16px; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); }
.groups td { overflow-wrap: anywhere; }
.groups th { font-weight: 400; color: var(--muted); }
.tall { max-height: 420px; overflow: auto; }
details { margin: 0 0 12px; }
details > pre { margin-top: 8px; }
.picture { margin: 0 0 16px; padding: 12px 16px; }
.picture svg { margin: 0 auto 8px; }
.picture figcaption { color: var(--muted); font-size: 0.85rem; }
.empty, .about { color: var(--muted); }
.about { margin: -6px 0 14px; }
pre.aligned { white-space: pre; overflow-wrap: normal; width: max-content; }
)";

std::string tile(std::string_view value, std::string_view name) {
  // A number stands out; a sentence would only fill the page.
  const bool is_sentence = value.size() > 12;
  return fmt::format("<div class=\"card tile{}\"><b>{}</b><span>{}</span></div>\n",
                     is_sentence ? " sentence" : "", html_escape(value), html_escape(name));
}

/// "val zero_shot_accuracy 0.5": the metric in words.
std::string in_words(std::string sentence, const std::string& metric) {
  const std::string start = fmt::format("val {} ", metric);
  if (sentence.starts_with(start))
    sentence.replace(0, start.size(), fmt::format("val {} ", in_a_sentence(metric)));
  return sentence;
}

std::string render_verdict(const Verdict& verdict, const std::string& metric) {
  if (verdict.sentence.empty()) return "";
  const char* look = verdict.outcome == Outcome::kUnknown   ? ""
                     : verdict.outcome == Outcome::kReached ? "reached"
                                                            : "missed";
  return fmt::format("<p class=\"verdict {}\">{}</p>\n", look,
                     html_escape(in_words(verdict.sentence, metric)));
}

struct Measured {
  int64_t step;
  double value;
};

std::vector<Measured> measured(const ReportInput& input, std::string_view split) {
  std::vector<Measured> list;
  for (const MetricsRecord& record : input.metrics) {
    const auto value = record.find(input.metric);
    if (record.split == split && value) list.push_back({record.step, *value});
  }
  return list;
}

std::string render_tiles(const ReportInput& input) {
  std::vector<Measured> list = measured(input, "val");
  const bool validated = !list.empty();
  if (!validated) list = measured(input, "train");
  std::string html;
  if (!list.empty()) {
    const std::string name =
        fmt::format("{} {}", validated ? "validation" : "training", in_a_sentence(input.metric));
    html += tile(fmt::format("{:.4g}", printable(list.back().value)), "last " + name);
    const auto worse = [&](const Measured& a, const Measured& b) {
      if (std::isnan(a.value) || std::isnan(b.value)) return !std::isnan(a.value);
      return input.higher_is_better ? a.value > b.value : a.value < b.value;
    };
    const Measured& best = *std::min_element(list.begin(), list.end(), worse);
    html += tile(fmt::format("{:.4g}", printable(best.value)),
                 fmt::format("best {}, after {} updates", name, best.step));
  }
  if (!input.metrics.empty()) {
    const MetricsRecord& last = input.metrics.back();
    html += tile(fmt::format("{}", last.step), "updates");
    if (const auto seconds = last.find("elapsed_s"))
      html += tile(format_duration(*seconds), "time");
  }
  for (const auto& [name, value] : input.facts) html += tile(value, name);
  return html.empty() ? "" : "<div class=\"tiles\">\n" + html + "</div>\n";
}

/// `key = value` lines under `# Group` lines, as effective_config writes them, as tables; any other
/// text as it is.
std::string render_config(const std::string& text) {
  std::string html, rows;
  const auto close = [&] {
    if (!rows.empty()) html += "<table>" + rows + "</table></div>\n";
    rows.clear();
  };
  const auto open = [&](std::string_view heading) {
    close();
    html += fmt::format("<div class=\"card\"><h3>{}</h3>", html_escape(heading));
  };
  bool in_group = false;
  std::string_view left = text;
  while (!left.empty()) {
    const std::string_view line = left.substr(0, left.find('\n'));
    left.remove_prefix(std::min(line.size() + 1, left.size()));
    const size_t equals = line.find(" = ");
    if (line.starts_with("# ")) {
      if (in_group && rows.empty()) html += "</div>\n";
      open(line.substr(2));
      in_group = true;
    } else if (equals != std::string_view::npos) {
      if (!in_group) open("Options");
      in_group = true;
      rows +=
          fmt::format("<tr><th scope=\"row\"><code>{}</code></th><td><code>{}</code></td></tr>",
                      html_escape(line.substr(0, equals)), html_escape(line.substr(equals + 3)));
    } else if (!line.empty()) {
      return "<div class=\"card\"><pre>" + html_escape(text) + "</pre></div>\n";
    }
  }
  if (in_group && rows.empty()) html += "</div>\n";
  close();
  return "<div class=\"groups\">\n" + html +
         "</div>\n<details><summary>As a recipe for <code>--config</code></summary><pre>" +
         html_escape(text) + "</pre></details>\n";
}

/// Every evaluation as a row.
std::string render_evaluations(const ReportInput& input) {
  const std::vector<std::string> keys = measures_of(input.metrics, "val");
  std::string rows;
  for (const MetricsRecord& record : input.metrics) {
    if (record.split != "val") continue;
    rows += fmt::format("<tr><td>{}</td>", record.step);
    for (const std::string& key : keys) {
      const auto value = record.find(key);
      rows += fmt::format("<td>{}</td>", !value ? ""
                                         : key == "elapsed_s"
                                             ? format_duration(*value)
                                             : fmt::format("{:.5g}", printable(*value)));
    }
    rows += "</tr>\n";
  }
  if (rows.empty()) return "";
  std::string head = "<th>Updates</th>";
  for (const std::string& key : keys) {
    head += "<th>" + html_escape(key == "elapsed_s" ? "Time" : heading_of(key)) + "</th>";
  }
  return "<h2>Evaluations</h2>\n<div class=\"card scroll tall\" tabindex=\"0\"><table><thead><tr>" +
         head + "</tr></thead><tbody>\n" + rows + "</tbody></table></div>\n";
}

std::string render_pictures(const std::vector<ReportPicture>& pictures) {
  std::string html;
  for (const ReportPicture& picture : pictures) {
    html += fmt::format(
        "<h2>{}</h2>\n<figure class=\"card picture\">{}<figcaption>{}</figcaption>"
        "</figure>\n",
        html_escape(picture.title), picture.html, html_escape(picture.caption));
  }
  return html;
}

/// A table of letters, which must not be broken; most samples are running text, which must.
bool is_aligned(std::string_view text) {
  int64_t lines = 0, aligned = 0;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.empty()) continue;
    ++lines;
    const size_t word = line.find_first_not_of(' ');
    if (word != std::string_view::npos && line.find("  ", word) != std::string_view::npos)
      ++aligned;
  }
  return lines > 2 && 2 * aligned > lines;
}

std::string sample_html(const std::string& text) {
  if (!is_aligned(text)) return fmt::format("<pre>{}</pre>", html_escape(text));
  return fmt::format("<div class=\"scroll\"><pre class=\"aligned\">{}</pre></div>",
                     html_escape(text));
}

/// The first and the last one are open: what training did lies between them.
std::string render_samples(const std::vector<Sample>& samples) {
  std::string html;
  for (size_t i = 0; i < samples.size(); ++i) {
    const bool open = i == 0 || i + 1 == samples.size();
    html +=
        fmt::format("<details class=\"card\"{}><summary>after {} updates</summary>{}</details>\n",
                    open ? " open" : "", samples[i].step, sample_html(samples[i].text));
  }
  return html.empty() ? "" : "<h2>Samples</h2>\n" + html;
}

}  // namespace

std::string render_report(const ReportInput& input) {
  std::string charts = render_charts(input);
  if (charts.empty()) charts = "<p class=\"card empty\">Nothing has been measured yet.</p>\n";
  const std::string config = input.config_text.empty()
                                 ? ""
                                 : "<h2>Configuration</h2>\n" + render_config(input.config_text);
  const std::string about =
      input.about.empty() ? ""
                          : fmt::format("<p class=\"about\">{}</p>\n", html_escape(input.about));
  const std::string body = fmt::format("<h1>{}</h1>\n", html_escape(input.title)) + about +
                           render_verdict(input.verdict, input.metric) + render_tiles(input) +
                           charts + render_evaluations(input) + render_pictures(input.pictures) +
                           render_samples(input.samples) + config;
  return html_page(input.title,
                   std::string(chart_style()) + std::string(matrix_style()) +
                       std::string(kChartStyle) + std::string(kReportStyle),
                   body);
}

}  // namespace zoo
