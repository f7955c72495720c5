// The transformer block. All five families stack this one block with different options.
// Vaswani et al. 2017 (arXiv:1706.03762), Figure 1; pre-norm: Xiong et al. 2020 (arXiv:2002.04745);
// layer scale: Touvron et al. 2021 (arXiv:2103.17239), Eq. 4.
#pragma once
#include <torch/nn/module.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/pimpl.h>

#include <optional>

#include "models/attention/multi_head_attention.h"
#include "models/layers/feed_forward.h"
#include "models/layers/norm.h"

namespace zoo {

/// Where the norms go: after each residual sum (the paper), or before each sub-layer (GPT-2 and
/// later).
enum class NormPlace { kPre, kPost };
template <>
struct EnumNames<NormPlace> {
  static constexpr std::string_view what = "norm place";
  static constexpr std::pair<NormPlace, std::string_view> values[] = {{NormPlace::kPre, "pre"},
                                                                      {NormPlace::kPost, "post"}};
};

struct BlockOptions {
  MultiHeadAttentionOptions attention;
  FeedForwardOptions feed_forward;
  NormOptions norm;
  NormPlace norm_place = NormPlace::kPre;
  std::optional<MultiHeadAttentionOptions> cross_attention = {};  ///< a decoder's second sub-layer
  double residual_dropout = 0.0;  ///< on each sub-layer's output, before it is added
  double drop_path = 0.0;         ///< probability that a sample skips a sub-layer
  /// First value of a learned vector that scales each sub-layer's output; 0: no such vector.
  double layer_scale = 0.0;
};

class BlockImpl : public torch::nn::Module {
 public:
  explicit BlockImpl(const BlockOptions& options);
  /// x [B, T, C] -> [B, T, C]; cross-attention has its own keys, values and masks.
  torch::Tensor forward(const torch::Tensor& x, const SelfAttentionContext& context = {},
                        const CrossKeyValues* cross = nullptr, const AttendArgs& cross_args = {});
  BlockOptions options;
  Norm attention_norm{nullptr}, cross_norm{nullptr}, feed_forward_norm{nullptr};
  MultiHeadAttention attention{nullptr}, cross_attention{nullptr};
  FeedForward feed_forward{nullptr};
  torch::Tensor attention_scale, cross_scale, feed_forward_scale;  // [C], or undefined
  torch::nn::Dropout dropout{nullptr};

 private:
  template <class SubLayer>
  torch::Tensor residual(const torch::Tensor& x, Norm& norm, const torch::Tensor& scale,
                         SubLayer sub_layer);
  torch::Tensor register_scale(const char* name);
};
TORCH_MODULE(Block);

}  // namespace zoo
