// Parts of the layers that own_function() may replace, by these names and with these types.
#pragma once
#include <torch/types.h>

#include <functional>

namespace zoo {

using OwnLayer = std::function<torch::Tensor(const torch::Tensor&)>;

/// "residual": x [B, T, C] -> [B, T, C] of one sub-layer. `sub_layer` includes its dropout and
/// scale; post: the norm stands after the sum, else before the sub-layer.
using OwnResidual = torch::Tensor(const torch::Tensor& x, const OwnLayer& norm,
                                  const OwnLayer& sub_layer, bool post);

/// "layer_norm": x [..., C] -> [..., C]; weight [C], bias [C] or undefined.
using OwnLayerNorm = torch::Tensor(const torch::Tensor& x, const torch::Tensor& weight,
                                   const torch::Tensor& bias, double epsilon);

/// "sinusoidal_table": [max_positions, C], float; sines and cosines in turn.
using OwnSinusoidalTable = torch::Tensor(int64_t max_positions, int64_t d_model);

}  // namespace zoo
