#include "infer/analysis/embedding_similarity.h"

namespace zoo {

torch::Tensor cosine_similarity(const torch::Tensor& vectors) {
  const auto x = vectors.detach().to(torch::kCPU, torch::kDouble);  // [N, C]
  const auto unit = x / x.norm(2, 1, /*keepdim=*/true).clamp_min(1e-12);
  return unit.matmul(unit.t());  // [N, N]
}

torch::Tensor position_vectors(const Position& position, int64_t P, int64_t width,
                               const torch::Tensor& like) {
  const torch::NoGradGuard no_grad;
  const auto nothing = torch::zeros({1, P, width}, like.options().requires_grad(false));
  const auto places = torch::arange(P, torch::kLong).unsqueeze(0).to(like.device());  // [1, P]
  const auto added = position.embed(nothing, places)[0];                              // [P, C]
  return added.abs().max().item<double>() > 0 ? added : torch::Tensor();
}

}  // namespace zoo
