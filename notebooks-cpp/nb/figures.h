// Pictures of a lesson: heat maps, curves, tables.
#pragma once
#include <torch/types.h>

#include <string>
#include <vector>

#include "base/image.h"

namespace nb {

struct HeatMapOptions {
  std::string title = {};                                        ///< says where to look
  std::string rows = {}, columns = {};                           ///< names of the axes
  std::vector<std::string> row_labels = {}, column_labels = {};  ///< default: numbers
  /// The values of the darkest and the brightest colour; equal: those of the matrix.
  float low = 0, high = 0;
};

/// A matrix [R, C] as a heat map; entries that are not finite get the colour of the nearer end, NaN
/// that of the low one; several of the same axes [N, R, C] stand side by side.
void show(const torch::Tensor& matrix, const HeatMapOptions& options = {});

struct Line {
  std::string label = {};
  std::vector<double> x = {}, y = {};
};
struct PlotOptions {
  std::string title = {};
  std::string x = {}, y = {};  ///< names of the axes, with units
  bool log_x = false;          ///< at log(1 + x), so that 0 is allowed
  bool log_y = false;          ///< y must be above 0
  bool y_from_zero = false;
};
/// Curves over a common axis. Throws std::invalid_argument if a line has no points, or x and y of
/// different length, or a y that a logarithmic axis does not have.
void plot(const std::vector<Line>& lines, const PlotOptions& options = {});

/// A table; each row has as many cells as the header.
void table(const std::vector<std::string>& header,
           const std::vector<std::vector<std::string>>& rows);

/// A picture of pixels.
void picture(const zoo::Image& image, const std::string& caption);

/// In a notebook: one line, "training  300 / 1000", written again and again. Elsewhere: nothing.
void progress(const std::string& what, int64_t done, int64_t total);

}  // namespace nb
