#include "models/layers/attention_pooling.h"

namespace zoo {

AttentionPoolingImpl::AttentionPoolingImpl(const AttentionPoolingOptions& o) {
  const int64_t C = o.attention.d_model;
  probe = register_parameter("probe", torch::randn({C}));
  attention = register_module("attention", MultiHeadAttention(o.attention));
  norm = register_module("norm", Norm(C, o.norm));
  feed_forward = register_module("feed_forward", FeedForward(o.feed_forward));
}

torch::Tensor AttentionPoolingImpl::forward(const torch::Tensor& hidden) {
  const auto query = probe.expand({hidden.size(0), 1, -1});                        // [B, 1, C]
  const auto h = attention->cross(query, attention->project_keys_values(hidden));  // [B, 1, C]
  return (h + feed_forward(norm(h))).squeeze(1);                                   // [B, C]
}

}  // namespace zoo
