// Prompts before they are read: checked, and as one tensor.
#pragma once
#include <torch/types.h>

#include <vector>

#include "infer/decode/generation.h"
#include "infer/decode/options.h"
#include "infer/decode/row_tokens.h"
#include "infer/decode/step.h"

namespace zoo {

/// Throws std::runtime_error for prompts that the model cannot read, or that fill max_length; they
/// are counted from 1.
void check_prompts(Prompts prompts, const NextToken& model, const DecodeOptions& options);

/// What every strategy checks before it reads: check() of the options, check_prompts() and
/// check_ids().
void check_request(Prompts prompts, const NextToken& model, const DecodeOptions& options);

/// Tokens [P, T] padded on the right, and how many of them each row has: [P].
struct TokenBatch {
  torch::Tensor tokens, counts;
};
TokenBatch to_batch(Prompts rows);

/// Prompt p as the rules of decoding see it: nothing generated yet. Points into `prompts`, or into
/// the options' sources.
RowTokens row_of(Prompts prompts, size_t p, const DecodeOptions& options);

/// log softmax of logits [B, V]. Throws std::runtime_error for scores that are NaN.
torch::Tensor log_probs_of(const torch::Tensor& logits);

}  // namespace zoo
