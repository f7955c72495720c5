// Attention pooling: one learned query reads all tokens, and a feed-forward network follows. Lee et
// al. 2019 (arXiv:1810.00825), Eq. 11 with one seed; without its first residual sum, as in Zhai et
// al. 2022 (arXiv:2106.04560), §3.2.
#pragma once
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "models/attention/multi_head_attention.h"
#include "models/layers/feed_forward.h"
#include "models/layers/norm.h"

namespace zoo {

struct AttentionPoolingOptions {
  MultiHeadAttentionOptions attention;
  NormOptions norm;
  FeedForwardOptions feed_forward;
};

class AttentionPoolingImpl : public torch::nn::Module {
 public:
  explicit AttentionPoolingImpl(const AttentionPoolingOptions& options);
  /// [B, T, C] -> [B, C]
  torch::Tensor forward(const torch::Tensor& hidden);
  torch::Tensor probe;  // [C]
  MultiHeadAttention attention{nullptr};
  Norm norm{nullptr};
  FeedForward feed_forward{nullptr};
};
TORCH_MODULE(AttentionPooling);

}  // namespace zoo
