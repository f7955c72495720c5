// Multi-token prediction: Gloeckle et al. 2024 (arXiv:2404.19737), §2. While a model trains, block
// n of N reads the last hidden states and predicts, through the model's own output layer, the token
// n + 1 places ahead of the next one; the mean of their cross-entropies is an auxiliary loss. After
// training only the model itself is used.
// Differs from the paper: there the next token has a block of its own beside the others; here it is
// predicted from the states that these blocks read.
#pragma once
#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/pimpl.h>

#include <functional>

#include "models/layers/block.h"

namespace zoo {

class FutureTokensImpl : public torch::nn::Module {
 public:
  /// N blocks alike.
  FutureTokensImpl(int64_t tokens, const BlockOptions& block);
  /// states [B, T, C], tokens [B, T] -> [], the mean over all that lie within the text; 0 where
  /// none does. logits: of states [..., C] -> [..., V].
  torch::Tensor loss(const torch::Tensor& states, const torch::Tensor& tokens,
                     const SelfAttentionContext& context,
                     const std::function<torch::Tensor(const torch::Tensor&)>& logits);
  torch::nn::ModuleList blocks{nullptr};
};
TORCH_MODULE(FutureTokens);

}  // namespace zoo
