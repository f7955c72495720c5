#include "base/text_table.h"

#include <fmt/format.h>

#include <algorithm>

namespace zoo {

std::vector<size_t> column_widths(const std::vector<std::vector<std::string>>& rows,
                                  size_t columns) {
  std::vector<size_t> widths(columns);
  for (const auto& row : rows) {
    for (size_t i = 0; i < std::min(columns, row.size()); ++i)
      widths[i] = std::max(widths[i], row[i].size());
  }
  return widths;
}

std::string table_line(const std::vector<std::string>& cells, const std::vector<size_t>& widths,
                       size_t left) {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    const size_t width = i < widths.size() ? widths[i] : 0;
    if (i > 0) line += "  ";
    line +=
        i < left ? fmt::format("{:<{}}", cells[i], width) : fmt::format("{:>{}}", cells[i], width);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0.0;
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace zoo
