// A matrix as a picture with labelled rows and columns: attention, alignments, confusions.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "app/figures/heat_map.h"

namespace zoo {

/// Labels and axis names of a matrix.
struct MatrixFrame {
  std::vector<std::string> rows, columns;  // one label each
  std::string row_axis, column_axis;       // what they are, such as "French", "English"
  int cell = 12;                           // units of an entry; a label is 9 units high
};

/// The matrix as SVG: `cells`, an image of the entries, with labels around it. If there are too
/// many labels to read, only every second, third, ... is shown.
std::string matrix_svg(const MatrixFrame& frame, const Image& cells);

/// The same for a page: never smaller than its labels can be read; a narrow window scrolls it.
std::string matrix_html(const MatrixFrame& frame, const Image& cells);

/// CSS for these pictures; add it to html_page's `style`.
std::string_view matrix_style();

/// A colour scale for heat_map() from 0 to 1. Each of `marks` is written at its square root: the
/// legend for weights drawn as square roots to make small ones visible.
std::string root_scale_legend(const std::vector<double>& marks);

}  // namespace zoo
