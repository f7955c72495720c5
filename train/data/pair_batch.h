// Pairs of sequences as padded tensors for one teacher-forced pass.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <span>
#include <vector>

#include "models/batching/bucketed_batches.h"
#include "models/batching/token_sequences.h"

namespace zoo {

/// Source i belongs to target i. Sources include their special tokens; targets are only the text.
struct SequencePairs {
  TokenSequences sources, targets;
  int64_t size() const { return sources.size(); }
};

/// The lengths of each pair; `added` tokens are added to every target.
std::vector<ExampleLengths> lengths_of(const SequencePairs& pairs, int64_t added);

/// The ids around the targets.
struct PairSpecials {
  int64_t start = 0;  ///< what a target begins with
  int64_t eos = 0;    ///< what a target ends with
  int64_t pad = 0;    ///< what fills up shorter rows
};

struct PairBatch {
  torch::Tensor source;          // [B, S] int64: source, padding
  torch::Tensor source_lengths;  // [B] int64
  torch::Tensor target_in;       // [B, T] int64: start, text, padding
  torch::Tensor target_out;      // [B, T] int64: text, eos, kIgnored; target_in moved by one
  torch::Tensor target_lengths;  // [B] int64

  int64_t rows() const { return source.size(0); }
};

/// The pairs at `indices`, padded on the right to the longest of them.
PairBatch collate_pairs(const SequencePairs& pairs, std::span<const int64_t> indices,
                        const PairSpecials& specials);

}  // namespace zoo
