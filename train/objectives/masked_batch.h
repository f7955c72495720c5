// Masked texts as padded tensors.
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

  /// The result of `change` on each tensor.
  template <class Change>
  MaskedBatch each(Change&& change) const {
    return {change(tokens),   change(original), change(labels),
            change(segments), change(lengths),  change(pair)};
  }
  MaskedBatch to(torch::Device device) const;
  /// [N] int64: the positions of masked tokens, as b T + t
  torch::Tensor masked_positions() const;
  /// [N] int64: the original tokens
  torch::Tensor targets() const;
  /// Whether any token is masked.
  bool has_targets() const;
};

}  // namespace zoo
