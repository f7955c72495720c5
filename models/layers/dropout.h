// Dropout (Srivastava et al. 2014), the same for a row of a batch wherever that row is computed.
#pragma once
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

namespace zoo {

/// x [B, ...] -> x, every element 0 with probability p and else divided by 1 - p. Draws as
/// torch::dropout does, for the whole batch (batch_shard.h).
torch::Tensor drop_out(const torch::Tensor& x, double p);

class DropoutImpl : public torch::nn::Module {
 public:
  /// p in [0, 1].
  explicit DropoutImpl(double p);
  /// x where p is 0, or in evaluation.
  torch::Tensor forward(const torch::Tensor& x);
  double p;
};
TORCH_MODULE(Dropout);

}  // namespace zoo
