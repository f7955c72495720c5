// Another way: pair by pair.
#include "notebooks-cpp/exercises/25_info_nce/info_nce.h"

torch::Tensor pair_logits(const torch::Tensor& images, const torch::Tensor& texts,
                          double temperature) {
  std::vector<torch::Tensor> logits;
  for (int64_t i = 0; i < images.size(0); ++i)
    for (int64_t j = 0; j < texts.size(0); ++j) {
      const auto length = (images[i].dot(images[i]) * texts[j].dot(texts[j])).add(1e-30).sqrt();
      logits.push_back(images[i].dot(texts[j]) / length.clamp_min(1e-12) / temperature);
    }
  return torch::stack(logits).view({images.size(0), texts.size(0)});
}

torch::Tensor info_nce_loss(const torch::Tensor& logits) {
  std::vector<torch::Tensor> losses;
  for (int64_t n = 0; n < logits.size(0); ++n)
    for (const auto& choices : {logits[n], logits.select(1, n)})
      losses.push_back((choices - choices[n]).logsumexp(0));
  return torch::stack(losses).mean();
}
