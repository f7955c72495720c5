// A matrix as a picture with a label at every row and column: attention, alignments, confusions.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "app/figures/png.h"

namespace zoo {

/// The frame of a matrix: the same around every matrix with these labels.
struct MatrixFrame {
  std::vector<std::string> rows, columns;  // a label each
  std::string row_axis, column_axis;       // what they are: "French", "English"
};

/// The matrix as SVG, its frame around `cells`, a picture of one pixel an entry. Where there are
/// too many labels to read, every second, third, ... is shown.
std::string matrix_svg(const MatrixFrame& frame, const Image& cells);

/// CSS for these pictures: belongs into html_page's `style`.
std::string_view matrix_style();

/// The colours of heat_map() from 0 to 1 with a number below each of `marks`, which lie at their
/// square roots: the legend of weights that are drawn so that small ones show.
std::string root_scale_legend(const std::vector<double>& marks);

}  // namespace zoo
