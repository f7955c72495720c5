// What a model of masked tokens learns from: texts with masks as padded tensors.
#pragma once
#include <torch/types.h>

namespace zoo {

struct MaskedBatch {
  torch::Tensor tokens;    // [B, T] int64: masked text, padding
  torch::Tensor original;  // [B, T] int64: the text, padding
  torch::Tensor labels;    // [B, T] int64: what was masked, else kIgnored
  torch::Tensor segments;  // [B, T] int64
  torch::Tensor lengths;   // [B] int64
  torch::Tensor pair;      // [B] int64: 0 where the second part follows the first, else 1

  MaskedBatch to(torch::Device device) const;
  /// [N] int64: where a token was masked, each b T + t
  torch::Tensor masked_positions() const;
  /// [N] int64: which it was
  torch::Tensor targets() const;
  /// Whether anything was masked at all.
  bool has_targets() const;
};

}  // namespace zoo
