// Sequences as padded tensors, as long as the longest of the batch: pairs for one teacher-forced
// pass, and single ones for an encoder.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <span>

#include "train/data/token_sequences.h"

namespace zoo {

/// Source i belongs to target i. Sources are whole, with what stands around them; targets are the
/// text alone.
struct SequencePairs {
  TokenSequences sources, targets;
  int64_t size() const { return sources.size(); }
};

/// The ids that stand around the targets.
struct PairSpecials {
  int64_t start = 0;  ///< what a target begins with
  int64_t eos = 0;    ///< what a target ends with
  int64_t pad = 0;    ///< what fills up shorter rows
};

struct Seq2SeqBatch {
  torch::Tensor source;          // [B, S] int64: source, padding
  torch::Tensor source_lengths;  // [B] int64
  torch::Tensor target_in;       // [B, T] int64: start, text, padding
  torch::Tensor target_out;      // [B, T] int64: text, eos, kIgnored; target_in moved by one
  torch::Tensor target_lengths;  // [B] int64

  int64_t rows() const { return source.size(0); }
};

/// The pairs at `indices`, padded on the right to the longest of them.
Seq2SeqBatch collate_pairs(const SequencePairs& pairs, std::span<const int64_t> indices,
                           const PairSpecials& specials);

struct SequenceBatch {
  torch::Tensor tokens;   // [B, T] int64: text, padding
  torch::Tensor lengths;  // [B] int64
};

/// The sequences at `indices`, padded on the right; no token is added to them.
SequenceBatch collate_sequences(const TokenSequences& sequences, std::span<const int64_t> indices,
                                int64_t pad);

/// [B, T] int64: 1 where the row has a token and 0 in its padding, `transformers`' attention_mask.
torch::Tensor attention_mask(const torch::Tensor& tokens, const torch::Tensor& lengths);

}  // namespace zoo
