// Norm, sub-layer, dropout, residual: two or three times.
#include "models/layers/block.h"

namespace zoo {

BlockImpl::BlockImpl(const BlockOptions& options_) : options(options_) {
  const int64_t C = options.attention.d_model;
  attention_norm = register_module("attention_norm", Norm(C, options.norm));
  attention = register_module("attention", MultiHeadAttention(options.attention));
  if (options.cross_attention) {
    cross_norm = register_module("cross_norm", Norm(C, options.norm));
    cross_attention = register_module("cross_attention", MultiHeadAttention(options.attention));
  }
  feed_forward_norm = register_module("feed_forward_norm", Norm(C, options.norm));
  feed_forward = register_module("feed_forward", FeedForward(options.feed_forward));
  dropout = register_module("dropout", torch::nn::Dropout(options.residual_dropout));
}

torch::Tensor BlockImpl::forward(const torch::Tensor& x, const SelfAttentionContext& context,
                                 const Memory* memory, const AttendArgs& cross_args) {
  auto h = residual(x, attention_norm,
                    [&](const auto& y) { return attention(y, context); });  // [B, T, C]
  if (options.cross_attention) {
    TORCH_CHECK(memory != nullptr, "Block: a block with cross-attention needs a memory to look at");
    h = residual(h, cross_norm,
                 [&](const auto& y) { return cross_attention->cross(y, *memory, cross_args); });
  }
  return residual(h, feed_forward_norm, [&](const auto& y) { return feed_forward(y); });
}

template <class SubLayer>
torch::Tensor BlockImpl::residual(const torch::Tensor& x, Norm& norm, SubLayer sub_layer) {
  if (options.norm_place == NormPlace::kPost)
    return norm(x + dropout(sub_layer(x)));  // §3.1 of the paper
  return x + dropout(sub_layer(norm(x)));
}

}  // namespace zoo
