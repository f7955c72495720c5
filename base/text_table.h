// Tables of plain text, and the middle of many measurements.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace zoo {

/// Of each of the first `columns` cells of the rows, the longest.
std::vector<size_t> column_widths(const std::vector<std::vector<std::string>>& rows,
                                  size_t columns);

/// The cells with two spaces in between, the first `left` of them aligned to the left and the
/// others to the right. Cells without a width are as long as their text. No spaces at the end.
std::string table_line(const std::vector<std::string>& cells, const std::vector<size_t>& widths,
                       size_t left);

/// Of an even number of values the upper middle one; 0 of none.
double median(std::vector<double> values);

}  // namespace zoo
