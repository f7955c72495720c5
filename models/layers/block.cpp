// Norm, sub-layer, scale, dropout, residual: two or three times.
#include "models/layers/block.h"

#include "base/own_function.h"
#include "models/layers/drop_path.h"
#include "models/layers/own_layers.h"

namespace zoo {

BlockImpl::BlockImpl(const BlockOptions& options_) : options(options_) {
  const int64_t C = options.attention.d_model;
  attention_norm = register_module("attention_norm", Norm(C, options.norm));
  attention = register_module("attention", MultiHeadAttention(options.attention));
  attention_scale = register_scale("attention_scale");
  if (options.cross_attention) {
    cross_norm = register_module("cross_norm", Norm(C, options.norm));
    cross_attention =
        register_module("cross_attention", MultiHeadAttention(*options.cross_attention));
    cross_scale = register_scale("cross_scale");
  }
  feed_forward_norm = register_module("feed_forward_norm", Norm(C, options.norm));
  feed_forward = register_module("feed_forward", FeedForward(options.feed_forward));
  feed_forward_scale = register_scale("feed_forward_scale");
  dropout = register_module("dropout", torch::nn::Dropout(options.residual_dropout));
}

torch::Tensor BlockImpl::forward(const torch::Tensor& x, const SelfAttentionContext& context,
                                 const CrossKeyValues* cross, const AttendArgs& cross_args) {
  auto h = residual(x, attention_norm, attention_scale,
                    [&](const auto& y) { return attention(y, context); });  // [B, T, C]
  if (options.cross_attention) {
    TORCH_CHECK(cross != nullptr, "Block: cross-attention needs the encoder's keys and values");
    h = residual(h, cross_norm, cross_scale,
                 [&](const auto& y) { return cross_attention->cross(y, *cross, cross_args); });
  }
  return residual(h, feed_forward_norm, feed_forward_scale,
                  [&](const auto& y) { return feed_forward(y); });
}

template <class SubLayer>
torch::Tensor BlockImpl::residual(const torch::Tensor& x, Norm& norm, const torch::Tensor& scale,
                                  SubLayer sub_layer) {
  const auto branch = [&](const torch::Tensor& y) {
    auto out = sub_layer(y);
    if (scale.defined()) out = out * scale;
    out = dropout(out);
    return options.drop_path > 0.0 && is_training() ? drop_path(out, options.drop_path) : out;
  };
  const bool post = options.norm_place == NormPlace::kPost;
  static auto* const own = own_function<OwnResidual>("residual");
  if (own != nullptr)
    return own(
        x, [&](const auto& y) { return norm(y); }, branch, post);
  return post ? norm(x + branch(x)) : x + branch(norm(x));  // §3.1 of the paper: post
}

torch::Tensor BlockImpl::register_scale(const char* name) {
  if (options.layer_scale == 0.0) return {};
  return register_parameter(name, torch::full({options.attention.d_model}, options.layer_scale));
}

}  // namespace zoo
