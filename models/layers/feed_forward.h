// The position-wise feed-forward network: Vaswani et al. 2017, §3.3, with a choice of activations.
#pragma once
#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include "models/layers/activation.h"

namespace zoo {

struct FeedForwardOptions {
  int64_t d_model = 0;  ///< C
  int64_t width = 0;    ///< F
  Activation activation = Activation::kGelu;
  bool bias = true;
  double dropout = 0.0;  ///< on the hidden layer, after the activation
};

/// x [B, T, C] -> [B, T, C]
class FeedForwardImpl : public torch::nn::Module {
 public:
  explicit FeedForwardImpl(const FeedForwardOptions& options);
  torch::Tensor forward(const torch::Tensor& x);
  FeedForwardOptions options;
  torch::nn::Linear in_proj{
      nullptr};  // [F, C]; gated: [2F, C], rows of the gate, then of the values
  torch::nn::Linear out_proj{nullptr};  // [C, F]
};
TORCH_MODULE(FeedForward);

}  // namespace zoo
