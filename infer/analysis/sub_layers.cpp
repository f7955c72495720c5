#include "infer/analysis/sub_layers.h"

#include <c10/util/Exception.h>

namespace zoo {

torch::Tensor run_block(BlockImpl& block, const torch::Tensor& x,
                        const SelfAttentionContext& context, const BranchChange& change) {
  TORCH_CHECK(!block.options.cross_attention, "run_block: for blocks without cross-attention");
  const bool post = block.options.norm_place == NormPlace::kPost;
  const bool parallel = block.options.parallel != ParallelBranches::kNone;
  const auto added = [](torch::Tensor y, Norm& out_norm, const torch::Tensor& scale) {
    if (out_norm) y = out_norm(y);
    return scale.defined() ? y * scale : y;
  };
  const auto normed = post ? x : block.attention_norm(x);  // [B, T, C]
  auto h =
      x + change(LayerPart::kAttention, added(block.mix(normed, context), block.attention_out_norm,
                                              block.attention_scale));
  if (post) h = block.attention_norm(h);
  auto read = parallel ? x : h;  // [B, T, C]
  if (!post) read = block.feed_forward_norm ? block.feed_forward_norm(read) : normed;
  const auto f = h + change(LayerPart::kFeedForward,
                            added(block.feed(read, context), block.feed_forward_out_norm,
                                  block.feed_forward_scale));
  return post ? block.feed_forward_norm(f) : f;
}

}  // namespace zoo
