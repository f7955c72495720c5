#include "tokenizers/comparison/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "app/figures/chart.h"
#include "app/figures/html.h"
#include "base/text_table.h"
#include "tokenizers/text/unicode_classes.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

// The width at which the cost of a vocabulary is shown: that of GPT-2 and BERT-base.
constexpr int64_t kWidth = 768;

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t size = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return lines;
}

int64_t count_words(std::string_view text) {
  int64_t words = 0;
  bool inside = false;
  while (!text.empty()) {
    const utf8::Character c = utf8::first(text);
    const bool is_space = unicode::is_space(c.code);
    words += !is_space && !inside ? 1 : 0;
    inside = !is_space;
    text.remove_prefix(c.size);
  }
  return words;
}

std::string embedding(int64_t vocab_size) {
  return fmt::format("{:.1f} M", static_cast<double>(vocab_size * kWidth) / 1e6);
}

std::vector<std::string> cells(const TokenizerReport& r) {
  return {r.name,
          r.kind,
          fmt::format("{}", r.vocab_size),
          fmt::format("{}", r.tokens),
          fmt::format("{:.3f}", r.tokens_per_word()),
          fmt::format("{:.3f}", r.bytes_per_token()),
          fmt::format("{:.2f} %", 100 * r.unknown_share()),
          r.lossless ? "yes" : "no",
          fmt::format("{:.1f}", r.megabytes_per_second()),
          embedding(r.vocab_size)};
}

const std::vector<std::string>& headings() {
  static const std::vector<std::string> names = {
      "tokenizer",   "kind",    "vocabulary", "tokens", "tokens/word",
      "bytes/token", "unknown", "lossless",   "MB/s",   fmt::format("embedding at {}", kWidth)};
  return names;
}

Chart trade_off(std::vector<TokenizerReport> reports) {
  std::stable_sort(reports.begin(), reports.end(),
                   [](const TokenizerReport& a, const TokenizerReport& b) {
                     return a.vocab_size < b.vocab_size;
                   });
  Chart chart{.x_label = "size of the vocabulary", .y_label = "bytes of text for each token"};
  int series = 0;
  for (const TokenizerReport& r : reports) {
    chart.lines.push_back({.label = r.name,
                           .look = ChartLine::Look::kSeries,
                           .points = {{static_cast<double>(r.vocab_size), r.bytes_per_token()}},
                           .series = series++});
  }
  chart.log_x = true;
  chart.y_from_zero = true;
  return chart;
}

std::string html_row(const std::vector<std::string>& texts, const char* tag) {
  std::string row = "<tr>";
  for (const std::string& text : texts) {
    row += fmt::format("<{0}>{1}</{0}>", tag, html_escape(text));
  }
  return row + "</tr>\n";
}

}  // namespace

TokenizerReport measure_tokenizer(const Tokenizer& tokenizer, std::string name,
                                  std::string_view text, int repeats) {
  TokenizerReport report{.name = std::move(name),
                         .kind = tokenizer.kind(),
                         .vocab_size = tokenizer.vocab_size(),
                         .words = count_words(text),
                         .bytes = static_cast<int64_t>(text.size())};
  const std::vector<std::string_view> lines = lines_of(text);
  std::vector<double> seconds;
  for (int repeat = 0; repeat < std::max(repeats, 1); ++repeat) {
    const auto began = std::chrono::steady_clock::now();
    int64_t tokens = 0;
    for (const std::string_view line : lines) {
      tokens += static_cast<int64_t>(tokenizer.ids(line).size());
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    seconds.push_back(took.count());
    report.tokens = tokens;
  }
  report.seconds = median(seconds);
  report.lossless = true;
  const std::optional<int32_t> unknown = tokenizer.unk_id();
  for (const std::string_view line : lines) {
    const std::vector<int32_t> ids = tokenizer.ids(line);
    if (unknown) report.unknown += std::count(ids.begin(), ids.end(), *unknown);
    report.lossless = report.lossless && tokenizer.decode(ids) == line;
  }
  return report;
}

std::string comparison_table(const std::vector<TokenizerReport>& reports) {
  std::vector<std::vector<std::string>> rows = {headings()};
  for (const TokenizerReport& report : reports) rows.push_back(cells(report));
  const auto widths = column_widths(rows, headings().size());
  std::string table;
  for (const auto& row : rows) table += table_line(row, widths, 2) + "\n";
  return table;
}

std::string comparison_json(const std::vector<TokenizerReport>& reports) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const TokenizerReport& r : reports) {
    list.push_back({{"name", r.name},
                    {"kind", r.kind},
                    {"vocab_size", r.vocab_size},
                    {"tokens", r.tokens},
                    {"unknown", r.unknown},
                    {"tokens_per_word", r.tokens_per_word()},
                    {"bytes_per_token", r.bytes_per_token()},
                    {"lossless", r.lossless},
                    {"seconds", r.seconds},
                    {"mb_per_s", r.megabytes_per_second()}});
  }
  nlohmann::ordered_json whole = {{"text", nlohmann::ordered_json::object()}, {"tokenizers", list}};
  if (!reports.empty()) {
    whole["text"] = {{"bytes", reports.front().bytes}, {"words", reports.front().words}};
  }
  return whole.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string comparison_page(const std::vector<TokenizerReport>& reports) {
  std::string body = "<h1>Tokenizers compared</h1>\n";
  if (!reports.empty()) {
    body += fmt::format("<p>One text of {} bytes and {} words.</p>\n", reports.front().bytes,
                        reports.front().words);
  }
  body += "<div class=\"card scroll\" tabindex=\"0\"><table>\n" + html_row(headings(), "th");
  for (const TokenizerReport& report : reports) body += html_row(cells(report), "td");
  body += "</table></div>\n<h2>What a larger vocabulary buys</h2>\n";
  const Chart chart = trade_off(reports);
  body += "<div class=\"card\">" + render_legend(chart) + render_both(chart) + "</div>\n";
  body +=
      "<p>More bytes in a token make sequences shorter, and attention costs the square of their "
      "length. Each entry of the vocabulary costs a row of the embedding, and rare entries are "
      "learnt from few examples.</p>\n";
  constexpr std::string_view kStyle =
      "body{max-width:1240px} th,td{padding:.3em .5em;text-align:right;white-space:nowrap} "
      "th:first-child,td:first-child,th:nth-child(2),td:nth-child(2){text-align:left} "
      "td:first-child{white-space:normal;overflow-wrap:anywhere;min-width:10em}";
  return html_page("Tokenizers compared", std::string(chart_style()) + std::string(kStyle), body);
}

}  // namespace zoo
