// Questions and their answers in one sequence, for a decoder that continues the question.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <optional>
#include <span>

#include "train/data/pair_batch.h"

namespace zoo {

struct AnswerBatch {
  torch::Tensor tokens;   // [B, T] int64: question, answer, padding
  torch::Tensor targets;  // [B, T] int64: the next token where it is one of the answer's, the end
                          // after them, or the second after `asks`; else kIgnored
};

struct AnswerTokens {
  int64_t eos = 0, pad = 0;
  std::optional<int64_t> asks = {};  ///< of "=a3" within a question the 3 is an answer as well
};

/// The pairs at `indices` (source: question), padded on the right to the longest of them. Every
/// question has at least one token.
AnswerBatch collate_answers(const SequencePairs& pairs, std::span<const int64_t> indices,
                            const AnswerTokens& special);

}  // namespace zoo
