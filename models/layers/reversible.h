// Reversible layers: Gomez et al. 2017 (arXiv:1707.04585); in a transformer, Kitaev et al. 2020
// (Reformer, arXiv:2001.04451), §3. The residual stream is two streams, and each sub-layer reads
// one and adds to the other (Eq. 9):
//
//   y1 = x1 + F(x2)        y2 = x2 + G(y1)          F: attention or a mixer, G: feed-forward
//   x2 = y2 - G(y1)        x1 = y1 - F(x2)          back again (Eq. 10)
//
// So backward computes the inputs of a layer from its outputs, and no layer's activations are kept:
// memory does not grow with the number of layers. The price is one more forward pass: four passes'
// operations a step instead of three.
// Differs from the papers: both streams begin as the embeddings and end as their mean, so that
// what follows has the width that it has without. Cross-attention is a third sub-layer, so the
// streams change places from layer to layer.
#pragma once
#include <torch/types.h>

#include <functional>
#include <utility>
#include <vector>

namespace zoo {

/// A sub-layer: reads one stream, and what it returns is added to the other.
struct ReversibleBranch {
  /// x [B, T, C], inputs -> [B, T, C]. Reads nothing else that has a gradient, but parameters.
  std::function<torch::Tensor(const torch::Tensor& x, const std::vector<torch::Tensor>& inputs)> f;
  std::vector<torch::Tensor> inputs;      ///< keys and values of cross-attention, biases
  std::vector<torch::Tensor> parameters;  ///< leaves
};

/// x1, x2 [B, T, C] -> both after all branches: the first adds to x1, the second to x2, and so on.
/// Backward calls each f again, in the conditions of its first call: torch's generators, so that
/// dropout drops the same; autocast; auxiliary losses and statistics, which count once. Throws
/// c10::Error where a gradient is to be differentiated itself.
std::pair<torch::Tensor, torch::Tensor> reversible_branches(std::vector<ReversibleBranch> branches,
                                                            const torch::Tensor& x1,
                                                            const torch::Tensor& x2);

/// The two streams on their way through a stack.
class ReversibleStreams {
 public:
  /// Both are h [B, T, C]. `keeps`: the branches run one by one in plain autograd, which keeps
  /// their activations: where something looks at them, or no gradient is wanted.
  ReversibleStreams(const torch::Tensor& h, bool keeps);
  bool keeps() const { return keeps_; }
  void add(ReversibleBranch branch);
  /// [B, T, C]; after all branches where they do not run one by one.
  torch::Tensor mean();

 private:
  bool keeps_;
  torch::Tensor next_, other_;  // the next branch adds to next_
  std::vector<ReversibleBranch> branches_;
};

}  // namespace zoo
