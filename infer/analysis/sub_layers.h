// A block's pass with its sub-layers open: what attention and the feed-forward network add can be
// read, and changed, before it is added.
#pragma once
#include <torch/types.h>

#include <functional>

#include "models/layers/block.h"

namespace zoo {

/// What one vector of a layer can be: the residual stream after it, or what one of its sub-layers
/// adds to the stream.
enum class LayerPart { kResidual, kAttention, kFeedForward };
template <>
struct EnumNames<LayerPart> {
  static constexpr std::string_view what = "part of a layer";
  static constexpr std::pair<LayerPart, std::string_view> values[] = {
      {LayerPart::kResidual, "residual"},
      {LayerPart::kAttention, "attention"},
      {LayerPart::kFeedForward, "feed-forward"}};
};

/// Gets what kAttention or kFeedForward adds, [B, T, C], scaled as it is added; returns what is
/// added instead.
using BranchChange = std::function<torch::Tensor(LayerPart, const torch::Tensor&)>;

/// x [B, T, C] -> [B, T, C]: as Block::forward() in evaluation mode, for blocks without
/// cross-attention.
torch::Tensor run_block(BlockImpl& block, const torch::Tensor& x,
                        const SelfAttentionContext& context, const BranchChange& change);

}  // namespace zoo
