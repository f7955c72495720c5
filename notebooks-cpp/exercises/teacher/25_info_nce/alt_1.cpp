// Another way: products of all pairs divided by products of lengths; the loss by logsumexp.
#include "notebooks-cpp/exercises/25_info_nce/info_nce.h"

torch::Tensor pair_logits(const torch::Tensor& images, const torch::Tensor& texts,
                          double temperature) {
  const auto products = torch::einsum("ic,jc->ij", {images, texts});
  const auto squares = torch::outer(images.square().sum(1), texts.square().sum(1));
  return products / (squares.clamp_min(1e-20).sqrt() * temperature);
}

torch::Tensor info_nce_loss(const torch::Tensor& logits) {
  const auto matching = logits.trace();
  const auto all = logits.logsumexp(0).sum() + logits.logsumexp(1).sum();
  return (all / 2 - matching) / logits.size(0);
}
