#include "train/compare/comparison_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>

#include "app/figures/chart.h"
#include "app/figures/html.h"
#include "base/files.h"
#include "base/printable.h"
#include "train/compare/comparison_charts.h"
#include "train/run/report_charts.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kPageStyle = R"(
.compared td, .compared th { white-space: nowrap; }
.compared .number { text-align: right; }
.compared tr > :first-child { position: sticky; left: 0; background: var(--card); white-space: normal;
  overflow-wrap: anywhere; min-width: 9rem; max-width: 22rem; font-size: 0.92rem; }
@media (max-width: 640px) {
  .compared tr > :first-child { min-width: 38vw; max-width: 38vw; }
}
.compared tr.best td { font-weight: 600; }
.compared tr.seed td { color: var(--muted); font-size: 0.88rem; border-bottom-style: dotted; }
.compared a { color: var(--train); }
.hint { color: var(--muted); font-size: 0.85rem; margin: 6px 0 16px; }
.note { padding: 8px 14px; border-radius: 10px; background: var(--plain-soft); margin: 0 0 12px; }
.same td { overflow-wrap: anywhere; }
.same th { font-weight: 400; color: var(--muted); }
)";

/// May be broken after a comma: "position=none,norm=layer".
std::string breakable(const std::string& name) {
  std::string html = html_escape(name);
  for (size_t at = 0; (at = html.find(',', at)) != std::string::npos; at += 6)
    html.insert(at + 1, "<wbr>");
  return html;
}

/// "a%20b/report.html"
std::string as_address(const fs::path& way) {
  std::string address;
  for (const char c : way.generic_string()) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                       std::string_view("/-_.,=+~").find(c) != std::string_view::npos;
    address += plain ? std::string(1, c)
                     : fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
  }
  return address;
}

std::string cell(std::string_view text) {
  return fmt::format("<td>{}</td>", html_escape(text.empty() ? kNotKnown : text));
}

std::string number_cell(std::string_view text) {
  return fmt::format("<td class=\"number\">{}</td>", html_escape(text));
}

std::string seconds_text(const std::optional<double>& seconds) {
  return seconds ? format_duration(*seconds) : kNotKnown;
}

class Table {
 public:
  Table(const Comparison& comparison, const fs::path& folder) : c_(comparison), folder_(folder) {}

  std::string html() const {
    std::string head = "<th>Run</th>";
    for (const std::string& key : c_.differing)
      head += fmt::format("<th><code>{}</code></th>", html_escape(key));
    for (const std::string& name :
         {fmt::format("{} {}: best", c_.split == "val" ? "Validation" : "Training",
                      in_a_sentence(c_.metric)),
          std::string("last"), std::string("Parameters"), std::string("Updates"),
          std::string("Time")})
      head += fmt::format("<th class=\"number\">{}</th>", html_escape(name));
    std::string rows;
    for (size_t g = 0; g < c_.groups.size(); ++g) {
      rows += group_row(g);
      if (c_.groups[g].runs.size() < 2) continue;
      for (const size_t i : c_.groups[g].runs) rows += seed_row(i);
    }
    return "<div class=\"card scroll\" tabindex=\"0\"><table class=\"compared\"><thead><tr>" +
           head + "<th>State</th></tr></thead><tbody>\n" + rows + "</tbody></table></div>\n";
  }

 private:
  std::string link(const RunRecord& run) const {
    const fs::path report = run.folder / "report.html";
    const fs::path way =
        fs::weakly_canonical(report).lexically_relative(fs::weakly_canonical(folder_));
    if (!fs::exists(report) || way.empty()) return breakable(run.name);
    return fmt::format("<a href=\"{}\">{}</a>", html_escape(as_address(way)), breakable(run.name));
  }

  std::string group_row(size_t g) const {
    const RunGroup& group = c_.groups[g];
    const bool many = group.runs.size() > 1;
    const RunRecord& first = c_.runs[group.runs.front()];
    std::string html = fmt::format(
        "<tr{}><td>{}</td>", c_.best_group == g && c_.groups.size() > 1 ? " class=\"best\"" : "",
        many ? fmt::format("{} runs, mean", group.runs.size()) : link(first));
    for (const std::string& value : group.values) html += cell(value);
    return html + number_cell(spread_text(group.best)) + number_cell(spread_text(group.last)) +
           number_cell(parameters_text(group.parameters)) +
           number_cell(many ? "" : fmt::format("{}", first.updates)) +
           number_cell(seconds_text(group.seconds.mean)) + cell(state_of(c_, group)) + "</tr>\n";
  }

  std::string seed_row(size_t i) const {
    const RunRecord& run = c_.runs[i];
    const RunValues& values = c_.values[i];
    std::string html = fmt::format("<tr class=\"seed\"><td>{}</td>", link(run));
    for (size_t k = 0; k < c_.differing.size(); ++k) html += "<td></td>";
    const RunGroup alone{.runs = {i}, .finished = run.state == RunState::kFinished ? 1U : 0U};
    return html + number_cell(spread_text({.mean = values.best})) +
           number_cell(spread_text({.mean = values.last})) + "<td></td>" +
           number_cell(fmt::format("{}", run.updates)) + number_cell(seconds_text(run.seconds)) +
           cell(state_of(c_, alone)) + "</tr>\n";
  }

  const Comparison& c_;
  const fs::path& folder_;
};

/// What does not differ, folded up.
std::string same_options(const Comparison& c) {
  std::string rows;
  for (const auto& [key, value] : c.runs.front().options) {
    const bool same = std::all_of(c.runs.begin(), c.runs.end(), [&, k = key](const RunRecord& run) {
      return run.option(k) == c.runs.front().option(k);
    });
    if (!same) continue;
    rows += fmt::format("<tr><th scope=\"row\"><code>{}</code></th><td><code>{}</code></td></tr>\n",
                        html_escape(key), html_escape(value));
  }
  if (rows.empty()) return "";
  return "<h2>The same in all runs</h2>\n<details class=\"card\"><summary>Options</summary>"
         "<table class=\"same\">" +
         rows + "</table></details>\n";
}

std::string title_of(const Comparison& c) {
  return c.runs.size() == 1 ? "One run" : fmt::format("{} runs compared", c.runs.size());
}

}  // namespace

std::string comparison_page(const Comparison& c, const fs::path& folder, const std::string& extra) {
  std::string body = fmt::format("<h1>{}</h1>\n", title_of(c));
  for (const std::string& note : c.notes)
    body += fmt::format("<p class=\"note\">{}</p>\n", html_escape(note));
  body += Table(c, folder).html();
  std::string hint = c.groups.size() > 1 && c.best_group ? "Bold: the best. " : "";
  if (c.groups.size() < c.runs.size())
    hint += "\xC2\xB1: standard deviation over runs that differ by seed only. ";
  if (!hint.empty()) body += fmt::format("<p class=\"hint\">{}</p>\n", hint);
  body += extra;
  const std::string charts = comparison_charts(c);
  body += charts.empty() ? "<p class=\"card\">Nothing has been measured yet.</p>\n" : charts;
  body += same_options(c);
  return html_page(title_of(c),
                   std::string(chart_style()) + std::string(kChartStyle) +
                       std::string(kComparisonChartStyle) + std::string(kPageStyle),
                   body);
}

fs::path write_comparison(const Comparison& c, const fs::path& folder, const std::string& extra) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (!fs::is_directory(folder))
    throw std::runtime_error(fmt::format("cannot make folder '{}': {}", folder.string(),
                                         error ? error.message() : "a file has this name"));
  fs::path page = folder / "comparison.html";
  write_file(page, comparison_page(c, folder, extra));
  return page;
}

}  // namespace zoo
