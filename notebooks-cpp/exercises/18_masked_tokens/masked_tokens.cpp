// Exercise 18: masking for BERT. What to write: README.md beside this file. Grade it: scripts/grade.sh 18
#include "notebooks-cpp/exercises/18_masked_tokens/masked_tokens.h"

// tokens [B, T] int64, special [V] bool, lots [B, T] -> bool [B, T]: the tokens to predict
torch::Tensor choose_tokens(const torch::Tensor& tokens, const torch::Tensor& special,
                            const torch::Tensor& lots, double share) {
  // TODO 18.1 (3 marks)
  throw NotDone("18.1");
}

// tokens [B, T] int64, chosen [B, T] bool, lots and words [B, T], ordinary [N] int64
// -> what the model reads and its targets, both [B, T] int64
std::tuple<torch::Tensor, torch::Tensor> mask_tokens(const torch::Tensor& tokens,
                                                     const torch::Tensor& chosen,
                                                     const torch::Tensor& lots,
                                                     const torch::Tensor& words,
                                                     const torch::Tensor& ordinary, int64_t mask) {
  // TODO 18.2 (7 marks)
  throw NotDone("18.2");
}
