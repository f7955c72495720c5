// Scaling laws: the loss as a power of the number of parameters.
//
// Kaplan et al. 2020, arXiv:2001.08361, Eq. 1.1: L(N) = a N^-alpha, fitted by least squares on
// logarithms.
#pragma once
#include <string>
#include <vector>

#include "train/compare/comparison.h"

namespace zoo {

struct PowerLaw {
  double a = 0, alpha = 0;
  double at(double parameters) const;
};

struct SizePoint {
  std::string label = {};  ///< "d-model=96"
  double parameters = 0, loss = 0;
};

/// Needs two points of different size, all values above 0; throws std::invalid_argument.
PowerLaw fit_power_law(const std::vector<SizePoint>& points);

/// A law fitted to all sizes but the largest, and that one.
struct ScalingLaw {
  std::string label = {};  ///< of the options other than the size: "norm=rms"
  std::vector<SizePoint> fitted = {};
  SizePoint held_out = {};
  PowerLaw law = {};
};

/// One law for each combination of the options that are not sizes; none for less than three sizes,
/// and where the metric is no loss (above 0, lower is better).
std::vector<ScalingLaw> scaling_laws(const Comparison& comparison,
                                     const std::vector<std::string>& size_options);

std::string scaling_text(const std::vector<ScalingLaw>& laws);

/// For comparison_page: the same with a chart; empty without laws.
std::string scaling_html(const std::vector<ScalingLaw>& laws);

}  // namespace zoo
