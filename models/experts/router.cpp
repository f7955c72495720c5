// Scores, the K largest of them, and what they weigh.
#include "models/experts/router.h"

#include <c10/util/Exception.h>

#include <vector>

namespace zoo {
namespace {

/// scores [N, E], none negative -> [N, K] int64. torch::topk() leaves open which of two equal
/// scores it takes; max() takes the first one.
torch::Tensor highest(const torch::Tensor& scores, int64_t K) {
  auto left = scores.detach().clone();  // [N, E]
  std::vector<torch::Tensor> chosen;
  for (int64_t k = 0; k < K; ++k) {
    chosen.push_back(std::get<1>(left.max(1, /*keepdim=*/true)));  // [N, 1]
    left.scatter_(1, chosen.back(), -1.0);                         // not again
  }
  return torch::cat(chosen, 1);  // [N, K]
}

}  // namespace

Routing route(const torch::Tensor& logits, int64_t K, RouterScore score, bool renormalise) {
  TORCH_CHECK(logits.dim() == 2 && K >= 1 && K <= logits.size(1),
              "route: logits must be [N, E] with E of at least K = ", K, ", got ", logits.sizes());
  constexpr double kTiny = 1e-20;  // scores of a sigmoid can all be 0
  Routing routing;
  routing.logits = logits.scalar_type() == torch::kDouble ? logits : logits.to(torch::kFloat);
  const bool softmax = score == RouterScore::kSoftmax;
  const auto scores = softmax ? torch::softmax(routing.logits, -1)  // [N, E]  Shazeer et al., Eq. 2
                              : torch::sigmoid(routing.logits);     // [N, E]  DeepSeek-V3, Eq. 15
  routing.probabilities =
      softmax ? scores : scores / (scores.sum(-1, /*keepdim=*/true) + kTiny);  // [N, E]
  routing.chosen = highest(scores, K);                                         // [N, K]
  routing.weights = scores.gather(1, routing.chosen);                          // [N, K]
  if (renormalise)
    routing.weights = routing.weights / (routing.weights.sum(-1, /*keepdim=*/true) + kTiny);
  return routing;
}

}  // namespace zoo
