#include "infer/comparison/report_parts.h"

#include <fmt/format.h>

#include "app/figures/html.h"
#include "base/text_table.h"

namespace zoo {

std::string report_text(const ReportRows& rows) {
  const auto widths = column_widths(rows, rows.front().size() - 1);
  std::string text;
  for (const auto& row : rows) {
    const bool refused = row[1].empty();
    text += "  " +
            (refused ? table_line({row.front(), row.back()}, {widths[0]}, 1)
                     : table_line(row, widths, 1)) +
            "\n";
  }
  return text;
}

std::string report_html(const ReportRows& rows) {
  std::string html = "<div class=\"scroll\"><table>\n";
  for (size_t n = 0; n < rows.size(); ++n) {
    html += "<tr>";
    for (const std::string& cell : rows[n])
      html += fmt::format("<{0}>{1}</{0}>", n == 0 ? "th" : "td", html_escape(cell));
    html += "</tr>\n";
  }
  return html + "</table></div>\n";
}

nlohmann::ordered_json machine_json(const Machine& machine) {
  return {{"processor", machine.processor},
          {"device", machine.device},
          {"threads", machine.threads},
          {"instruction_set", machine.instruction_set},
          {"torch", machine.torch_version},
          {"matmul_size", machine.matmul_size},
          {"matmul_gflops", machine.matmul_gflops}};
}

}  // namespace zoo
