// Learned absolute positions: a vector per place, trained like a word's (Gehring et al. 2017;
// GPT-2, BERT, ViT).
#pragma once
#include <torch/nn/modules/embedding.h>

#include "models/positions/position.h"

namespace zoo {

class LearnedPosition : public Position {
 public:
  LearnedPosition(int64_t max_positions, int64_t d_model);
  torch::Tensor embed(const torch::Tensor& x, const torch::Tensor& positions) override;
  int64_t max_positions() const override;
  torch::nn::Embedding table{nullptr};  // [max_positions, C]
};

}  // namespace zoo
