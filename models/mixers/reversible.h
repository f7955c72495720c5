// Reversible layers: Gomez et al. 2017 (arXiv:1707.04585); in a transformer, Kitaev et al. 2020
// (arXiv:2001.04451), §3. The residual stream is two streams, and each sub-layer reads one and adds
// to the other (Eq. 9):
//
//   y1 = x1 + F(x2)        y2 = x2 + G(y1)          F: attention or a mixer, G: feed-forward
//   x2 = y2 - G(y1)        x1 = y1 - F(x2)          back again (Eq. 10)
//
// So backward computes the inputs of a layer from its outputs, and no layer's activations are kept:
// memory does not grow with the number of layers. The price is one more forward pass: four passes'
// operations a step instead of three.
#pragma once
#include <torch/types.h>

#include <functional>
#include <utility>
#include <vector>

namespace zoo {

struct ReversibleLayer {
  std::function<torch::Tensor(const torch::Tensor&)> f, g;  ///< [B, T, C] -> [B, T, C] each
  std::vector<torch::Tensor> parameters;                    ///< that f and g use
};

/// x1, x2 [B, T, C] -> both after all layers. f and g are called again during backward, with
/// torch's generators as they were, so that dropout drops the same. They may have no other side
/// effects that matter twice. Not differentiable a second time.
std::pair<torch::Tensor, torch::Tensor> reversible_stack(const std::vector<ReversibleLayer>& layers,
                                                         const torch::Tensor& x1,
                                                         const torch::Tensor& x2);

}  // namespace zoo
