// Learned absolute positions: one vector per position, trained like a token embedding (Gehring et
// al. 2017; GPT-2, BERT, ViT).
#pragma once
#include <torch/nn/modules/embedding.h>

#include "models/positions/position.h"

namespace zoo {

class LearnedPosition : public Position {
 public:
  /// `offset`: unused table rows before that of position 0 (BART has 2).
  LearnedPosition(int64_t max_positions, int64_t d_model, int64_t offset = 0);
  torch::Tensor embed(const torch::Tensor& x, const torch::Tensor& positions) const override;
  int64_t max_positions() const override;
  torch::nn::Embedding table{nullptr};  // [offset + max_positions, C]

 private:
  int64_t offset_;
};

}  // namespace zoo
