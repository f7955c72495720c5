#include "infer/analysis/sub_layers.h"

#include <c10/util/Exception.h>

namespace zoo {

torch::Tensor run_block(BlockImpl& block, const torch::Tensor& x,
                        const SelfAttentionContext& context, const BranchChange& change) {
  TORCH_CHECK(!block.options.cross_attention, "run_block: for blocks without cross-attention");
  const bool post = block.options.norm_place == NormPlace::kPost;
  const auto scaled = [](const torch::Tensor& branch, const torch::Tensor& scale) {
    return scale.defined() ? branch * scale : branch;
  };
  auto h = block.attention(post ? x : block.attention_norm(x), context);  // [B, T, C]
  h = x + change(LayerPart::kAttention, scaled(h, block.attention_scale));
  if (post) h = block.attention_norm(h);
  auto f = block.feed_forward(post ? h : block.feed_forward_norm(h));  // [B, T, C]
  f = h + change(LayerPart::kFeedForward, scaled(f, block.feed_forward_scale));
  return post ? block.feed_forward_norm(f) : f;
}

}  // namespace zoo
