// One table in four forms: text, PNG, HTML, and the folder that holds them.
#include "infer/analysis/look_result.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "app/figures/heat_map.h"
#include "app/figures/html.h"
#include "app/figures/letters.h"
#include "base/files.h"
#include "base/text_file.h"
#include "base/text_table.h"
#include "infer/analysis/output_folder.h"

namespace zoo {
namespace {

double value_at(const LookTable& table, size_t row, size_t column) {
  return table.values[static_cast<int64_t>(row)][static_cast<int64_t>(column)].item<double>();
}

std::string cell_text(const LookTable& table, size_t row, size_t column) {
  if (!table.cells.empty()) return table.cells[row][column];
  const double value = value_at(table, row, column);
  return std::isnan(value) ? "-" : fmt::format("{:.2f}", value);
}

/// The colour of each cell, row by row.
Image cell_colours(const LookTable& table) {
  const auto values = table.values.to(torch::kFloat).contiguous();
  return heat_map({values.data_ptr<float>(), static_cast<size_t>(values.numel())},
                  static_cast<int>(values.size(0)), static_cast<int>(values.size(1)),
                  static_cast<float>(table.low), static_cast<float>(table.high), /*cell=*/1);
}

Colour colour_at(const Image& colours, size_t row, size_t column) {
  const size_t at = (row * static_cast<size_t>(colours.width) + column) * 3;
  return {colours.rgb[at], colours.rgb[at + 1], colours.rgb[at + 2]};
}

bool is_bright(Colour c) { return 2 * c[0] + 5 * c[1] + c[2] > 8 * 110; }

int widest_of(const std::vector<std::string>& texts) {
  int most = 0;
  for (const auto& text : texts) most = std::max(most, text_width(text));
  return most;
}

/// Whether cells are named: a similarity of a hundred tokens is colours alone.
bool has_texts(const LookTable& table) { return table.columns.size() <= 32; }

std::string table_text(const LookTable& table) {
  std::vector<std::vector<std::string>> lines = {{table.row_axis + " \\ " + table.column_axis}};
  lines[0].insert(lines[0].end(), table.columns.begin(), table.columns.end());
  for (size_t row = 0; row < table.rows.size(); ++row) {
    auto& line = lines.emplace_back(std::vector<std::string>{table.rows[row]});
    for (size_t column = 0; column < table.columns.size(); ++column)
      line.push_back(cell_text(table, row, column));
  }
  const auto widths = column_widths(lines, lines[0].size());
  std::string text = "\n" + table.title + "\n";
  for (const auto& line : lines) text += table_line(line, widths, 1) + "\n";
  return text;
}

constexpr std::string_view kLookStyle = R"(
body { max-width: 1300px; }
p { max-width: 46rem; color: var(--muted); }
p.answer { color: var(--ink); font-size: 1.05rem; }
table.look { width: auto; border-collapse: separate; border-spacing: 1px; }
table.look th { font: 12px ui-monospace, monospace; padding: 2px 6px; border: 0; text-align: right; }
table.look thead th { text-align: center; }
table.look td { font: 12px ui-monospace, monospace; padding: 3px 6px; border: 0; text-align: center;
  white-space: nowrap; }
table.look td.small { padding: 0; min-width: 9px; height: 9px; }
table.look th.small { font-size: 9px; padding: 0 3px; line-height: 9px; }
table.look thead th.small { writing-mode: vertical-rl; transform: rotate(180deg); text-align: left; }
.card { margin-bottom: 16px; }
.card p { margin-top: 0; }
.chart { max-width: 1080px; }
)";

std::string table_html(const LookTable& table) {
  const Image colours = cell_colours(table);
  const bool named = has_texts(table);
  const std::string_view small = named ? "" : " class=\"small\"";
  std::string html = fmt::format(
      "<div class=\"card\"><p>{}</p><div class=\"scroll\" tabindex=\"0\"><table "
      "class=\"look\"><thead><tr><th>{} "
      "&#8595;<br>{} &#8594;</th>",
      html_escape(table.title), html_escape(table.row_axis), html_escape(table.column_axis));
  for (const auto& label : table.columns)
    html += fmt::format("<th{}>{}</th>", small, html_escape(label));
  html += "</tr></thead><tbody>\n";
  for (size_t row = 0; row < table.rows.size(); ++row) {
    html += fmt::format("<tr><th{}>{}</th>", small, html_escape(table.rows[row]));
    for (size_t column = 0; column < table.columns.size(); ++column) {
      const Colour c = colour_at(colours, row, column);
      const std::string hint =
          table.hints.empty() ? fmt::format("{} / {}: {:.4g}", table.rows[row],
                                            table.columns[column], value_at(table, row, column))
                              : table.hints[row][column];
      html += fmt::format(
          "<td{} style=\"background:#{:02x}{:02x}{:02x};color:{}\" title=\"{}\">{}</td>", small,
          c[0], c[1], c[2], is_bright(c) ? "#111" : "#fff", html_escape(hint),
          named ? html_escape(cell_text(table, row, column)) : "");
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table></div></div>\n";
}

bool is_look_file(const std::string& name) {
  const bool ours = name.ends_with(".html") || name.ends_with(".json") || name.ends_with(".png");
  return ours || is_system_name(name);
}

}  // namespace

std::string look_text(const LookResult& result) {
  std::string text = result.answer + "\n";
  for (const auto& table : result.tables)
    if (table.as_text) text += table_text(table);
  return text;
}

Image draw_table(const LookTable& table) {
  const bool named = has_texts(table);
  int width = named ? widest_of(table.columns) : kLetterWidth;
  for (size_t row = 0; named && row < table.rows.size(); ++row)
    for (size_t column = 0; column < table.columns.size(); ++column)
      width = std::max(width, text_width(cell_text(table, row, column)));
  width += named ? 6 : 3;
  const int height = named ? 13 : kLetterHeight + 2;
  const int left = 14 + widest_of(table.rows) + 6;
  const int top = 28 + (named ? kLetterHeight + 4 : widest_of(table.columns) + 4);
  const auto R = table.rows.size(), C = table.columns.size();
  Image image = blank_image(
      left + static_cast<int>(C) * width + 8,
      std::max(top + static_cast<int>(R) * height + 8, top + text_width(table.row_axis)));
  image.width > text_width(table.title) + 8
      ? draw_text(image, 4, 4, table.title)
      : draw_text(image, 4, 4, std::string_view(table.title).substr(0, table.title.find(':')));
  draw_text(image, left, 17, table.column_axis, {93, 103, 120});
  draw_text_upwards(image, 3, top + text_width(table.row_axis), table.row_axis, {93, 103, 120});
  const Image colours = cell_colours(table);
  const auto y_of = [&](size_t row) { return top + static_cast<int>(row) * height; };
  const auto x_of = [&](size_t column) { return left + static_cast<int>(column) * width; };
  for (size_t column = 0; column < C; ++column) {
    const auto& label = table.columns[column];
    named ? draw_text(image, x_of(column) + 3, top - kLetterHeight - 3, label)
          : draw_text_upwards(image, x_of(column), top - 4, label);
  }
  for (size_t row = 0; row < R; ++row) {
    draw_text(image, left - 4 - text_width(table.rows[row]), y_of(row) + (height - 7) / 2,
              table.rows[row]);
    for (size_t column = 0; column < C; ++column) {
      const Colour c = colour_at(colours, row, column);
      paste(image, blank_image(width - (named ? 1 : 0), height - (named ? 1 : 0), c), x_of(column),
            y_of(row));
      if (named)
        draw_text(image, x_of(column) + 3, y_of(row) + 3, cell_text(table, row, column),
                  is_bright(c) ? Colour{17, 17, 17} : Colour{255, 255, 255});
    }
  }
  return image;
}

std::string look_page(const LookResult& result) {
  std::string body = fmt::format("<h1>{}</h1>\n<p class=\"answer\">{}</p>\n",
                                 html_escape(result.title), html_escape(result.answer));
  for (const auto& [title, chart] : result.charts) {
    body += fmt::format("<div class=\"card chart\"><h3>{}</h3>{}{}</div>\n", html_escape(title),
                        render_legend(chart), render_both(chart));
  }
  for (const auto& table : result.tables) body += table_html(table);
  return html_page(result.title, std::string(chart_style()) + std::string(kLookStyle), body);
}

void require_look_folder(const std::filesystem::path& folder) {
  require_output_folder(
      folder, "the output of look_inside", [](const std::filesystem::directory_entry& entry) {
        const std::string name = entry.path().filename().string();
        return is_look_file(name) && !entry.is_directory() && name != "config.json";
      });
}

std::vector<std::filesystem::path> write_look(const std::filesystem::path& folder,
                                              const LookResult& result) {
  require_look_folder(folder);
  std::vector<std::filesystem::path> paths;
  write_folder(folder, [&](const std::filesystem::path& unfinished) {
    const auto add = [&](const std::string& name) {
      paths.push_back(folder / name);
      return unfinished / name;
    };
    write_file(add(result.name + ".html"), look_page(result));
    write_file(add(result.name + ".json"), json_line(result.json) + "\n");
    for (const auto& table : result.tables) write_png(add(table.name + ".png"), draw_table(table));
  });
  return paths;
}

std::vector<std::string> numbered_labels(const std::string& name, int64_t count) {
  std::vector<std::string> labels;
  for (int64_t n = 0; n < count; ++n) labels.push_back(fmt::format("{}{}", name, n));
  return labels;
}

nlohmann::json matrix_json(const torch::Tensor& matrix) {
  auto rows = nlohmann::json::array();
  for (int64_t r = 0; r < matrix.size(0); ++r) {
    auto row = nlohmann::json::array();
    for (int64_t c = 0; c < matrix.size(1); ++c) row.push_back(matrix[r][c].item<double>());
    rows.push_back(std::move(row));
  }
  return rows;
}

std::pair<int64_t, int64_t> largest_entry(const torch::Tensor& values) {
  const auto flat = values.nan_to_num(-1e300).contiguous().view({-1});
  const auto at = flat.argmax().item<int64_t>();
  return {at / values.size(1), at % values.size(1)};
}

std::string json_line(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace zoo
