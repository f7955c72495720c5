// Exercise 18: masking for BERT. What to write: README.md beside this file. Grade it: scripts/grade.sh 18
#include "notebooks-cpp/exercises/18_masked_tokens/masked_tokens.h"

// tokens [B, T] int64, special [V] bool, lots [B, T] -> bool [B, T]: the tokens to predict
torch::Tensor choose_tokens(const torch::Tensor& tokens, const torch::Tensor& special,
                            const torch::Tensor& lots, double share) {
  // BEGIN SOLUTION 18.1 (3)
  const auto may_be_chosen = special.index({tokens}).logical_not();  // [B, T]
  return lots.lt(share).logical_and(may_be_chosen);
  // END SOLUTION
}

// tokens [B, T] int64, chosen [B, T] bool, lots and words [B, T], ordinary [N] int64
// -> what the model reads and its targets, both [B, T] int64
std::tuple<torch::Tensor, torch::Tensor> mask_tokens(const torch::Tensor& tokens,
                                                     const torch::Tensor& chosen,
                                                     const torch::Tensor& lots,
                                                     const torch::Tensor& words,
                                                     const torch::Tensor& ordinary, int64_t mask) {
  // BEGIN SOLUTION 18.2 (7)
  const auto hidden = chosen.logical_and(lots.lt(0.8));
  const auto replaced = chosen.logical_and(lots.ge(0.8)).logical_and(lots.lt(0.9));
  const auto numbers = (words * ordinary.size(0)).floor().to(torch::kLong);  // [B, T], 0 .. N - 1
  const auto others = ordinary.index({numbers});                             // [B, T]
  const auto read = torch::where(replaced, others, tokens).masked_fill(hidden, mask);
  const auto targets = tokens.masked_fill(chosen.logical_not(), kIgnored);
  return {read, targets};
  // END SOLUTION
}
