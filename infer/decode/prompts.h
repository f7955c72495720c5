// Prompts before they are read: checked, and as one tensor.
#pragma once
#include <torch/types.h>

#include <vector>

#include "infer/decode/generation.h"
#include "infer/decode/row_tokens.h"
#include "infer/decode/step.h"

namespace zoo {

/// Throws std::runtime_error for prompts that the model cannot read; they are counted from 1.
void check_prompts(Prompts prompts, const NextToken& model);

/// Tokens [P, T] padded on the right, and how many of them each row has: [P].
struct TokenBatch {
  torch::Tensor tokens, counts;
};
TokenBatch to_batch(Prompts rows);

/// The prompt as the rules of decoding see it: nothing generated yet.
RowTokens row_of(const std::vector<int64_t>& prompt);

torch::Tensor to_tensor(const std::vector<int64_t>& values);  ///< [N] int64, on the CPU

/// log softmax of logits [B, V]. Throws std::runtime_error for scores that are NaN.
torch::Tensor log_probs_of(const torch::Tensor& logits);

}  // namespace zoo
