// Means, spreads and extremes of what each module gives, and of its weights and their gradients:
// where a signal dies or explodes on its way through a model. Glorot & Bengio 2010 (AISTATS), §3
// and §4.2, look at networks in this way.
#pragma once
#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace zoo {

/// Of all entries of a tensor, whatever their places.
struct ValueStatistics {
  double mean = 0, std = 0, rms = 0;
  double zeros = 0;    ///< share of the entries, 0 to 1
  double largest = 0;  ///< of the absolute values
};
ValueStatistics statistics_of(const torch::Tensor& values);

/// How far a module may be from its equals in the other layers.
inline constexpr double kUsualFactor = 100;

struct ModuleStatistics {
  std::string module = {};  ///< "blocks.0.attention.in_proj"; used again: "..., use 2"
  std::string kind = {};    ///< what its equals share: the name without its layer, and its reader
  std::optional<ValueStatistics> output = {};  ///< none for a weight that no operator reads alone
  /// Of a feed-forward network's hidden units, the share where its activation is flat: a slope
  /// below 0.01. NaN for other modules.
  double saturated = std::numeric_limits<double>::quiet_NaN();
  double weight_rms = 0;
  std::optional<double> gradient_rms = {};  ///< none without a loss
  /// "exploding output": its RMS is more than kUsualFactor times the median of the same module in
  /// the other layers, or not finite. "vanishing output": less than 1 / kUsualFactor of it, or all
  /// zeros. The same of "gradient". Empty: neither.
  std::vector<std::string> marks = {};
};

/// `loss` makes one pass and returns its loss, a scalar, or an undefined tensor for a model without
/// one. In the order of the pass; weights that were not seen come last. Leaves .grad as it was.
std::vector<ModuleStatistics> module_statistics(const torch::nn::Module& model,
                                                const std::function<torch::Tensor()>& loss);

}  // namespace zoo
