// Prompts: checks them, and converts them to one tensor.
#pragma once
#include <torch/types.h>

#include <vector>

#include "infer/decode/generation.h"
#include "infer/decode/options.h"
#include "infer/decode/row_tokens.h"
#include "infer/decode/step.h"

namespace zoo {

/// Throws std::runtime_error for prompts that the model cannot read, or that fill max_length; the
/// message counts them from 1.
void check_prompts(Prompts prompts, const NextToken& model, const DecodeOptions& options);

/// The checks of every strategy before it reads: check() of the options, check_prompts() and
/// check_ids().
void check_request(Prompts prompts, const NextToken& model, const DecodeOptions& options);

/// Tokens [P, T] padded on the right, and the number of tokens of each row: [P].
struct TokenBatch {
  torch::Tensor tokens, counts;
};
TokenBatch to_batch(Prompts rows);

/// Prompt p as a row without generated tokens, for penalties and constraints. Points into
/// `prompts`, or into the options' sources.
RowTokens row_of(Prompts prompts, size_t p, const DecodeOptions& options);

/// log softmax of logits [B, V]. Throws std::runtime_error for scores that are NaN.
torch::Tensor log_probs_of(const torch::Tensor& logits);

}  // namespace zoo
