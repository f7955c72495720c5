// Segment-level recurrence: Dai et al. 2019 (arXiv:1901.02860), §3.2. A text is read in segments.
// Besides its own tokens a segment sees the last ones of those before it: each layer keeps its
// inputs of these, and computes keys and values of them again. No gradient goes back into them
// (the paper's SG). Every layer adds to how far a token sees.
//
// Where weights stay the same, reading segment by segment equals one pass over the whole text with
// segment_mask(), and the cache of a decoder may hold keys and values instead of inputs.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace zoo {

/// How a text divides; positions count from its first token.
struct Segments {
  int64_t length = 0;  ///< tokens of a segment
  int64_t memory = 0;  ///< N: tokens before a segment that it sees; 0: no segments
  bool any() const { return memory > 0; }
  /// Of how many tokens, its own included, a query sees the last at most.
  int64_t reach() const { return length + memory; }
};

/// Where queries see keys, as far as segments decide it: positions of queries [B or 1, T] and keys
/// [B or 1, S], int64 -> bool [B or 1, 1, T, S].
torch::Tensor segment_mask(const Segments& segments, const torch::Tensor& queries,
                           const torch::Tensor& keys);

/// What a segment leaves to the next one, in training and evaluation. The rows of a batch read a
/// text each.
struct SegmentMemory {
  int64_t tokens = 0;  ///< N: it keeps the last so many
  /// Input of each layer, [B, M, C] with the same M <= N; empty before the first segment. Never
  /// changed in place, so a copy of this struct is a snapshot.
  std::vector<torch::Tensor> layers = {};

  /// M
  int64_t length() const { return layers.empty() ? 0 : layers.front().size(1); }
  /// Of a segment that has been read: the inputs [B, T, C] of every layer.
  void append(const std::vector<torch::Tensor>& inputs);
};

}  // namespace zoo
