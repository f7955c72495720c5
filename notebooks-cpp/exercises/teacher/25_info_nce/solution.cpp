// Exercise 25: InfoNCE. What to write: README.md beside this file. Grade it: scripts/grade.sh 25
#include "notebooks-cpp/exercises/25_info_nce/info_nce.h"

// images, texts [B, C] -> [B, B]: rows are images
torch::Tensor pair_logits(const torch::Tensor& images, const torch::Tensor& texts,
                          double temperature) {
  // BEGIN SOLUTION 25.1 (4)
  const auto unit = [](const torch::Tensor& x) {  // [B, C], each row of length 1
    return x / x.norm(2, -1, /*keepdim=*/true).clamp_min(1e-12);
  };
  return unit(images).matmul(unit(texts).t()) / temperature;
  // END SOLUTION
}

// logits [B, B] -> []
torch::Tensor info_nce_loss(const torch::Tensor& logits) {
  // BEGIN SOLUTION 25.2 (6)
  const auto of_images = logits.log_softmax(1).diagonal();  // [B]: text i, given image i
  const auto of_texts = logits.log_softmax(0).diagonal();   // [B]: image j, given text j
  return -(of_images + of_texts).mean() / 2;
  // END SOLUTION
}
