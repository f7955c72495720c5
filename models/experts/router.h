// The router: which of E experts a token goes to, and with which weights. Shazeer et al. 2017
// (arXiv:1701.06538), §2; Mixtral, Jiang et al. 2024 (arXiv:2401.04088), §2.1: the weights of the K
// chosen experts sum to 1. By a sigmoid: DeepSeek-V3 2024 (arXiv:2412.19437), Eq. 13 to 15.
// Differs from Shazeer et al.: no noise.
//
// N tokens, E experts, K experts per token.
#pragma once
#include <torch/types.h>

#include "base/named_enum.h"

namespace zoo {

/// How a token's logits become scores: softmax, where experts compete, or sigmoid, where each
/// stands for itself.
enum class RouterScore { kSoftmax, kSigmoid };
template <>
struct EnumNames<RouterScore> {
  static constexpr std::string_view what = "router score";
  static constexpr std::pair<RouterScore, std::string_view> values[] = {
      {RouterScore::kSoftmax, "softmax"}, {RouterScore::kSigmoid, "sigmoid"}};
};

/// In float32 whatever the logits' type; in float64 where they are.
struct Routing {
  torch::Tensor logits;         // [N, E]
  torch::Tensor probabilities;  // [N, E]: of a sigmoid router, the scores divided by their sum
  torch::Tensor chosen;         // [N, K] int64: experts, the highest score first
  torch::Tensor weights;        // [N, K]: the chosen experts' scores
};

/// logits [N, E] -> where each token goes. renormalise: its weights are divided by their sum. With
/// K = 1 that leaves the constant 1, and the router learns nothing from the model's loss. Of equal
/// scores the expert with the lower number comes first, on every device. O(N E K).
Routing route(const torch::Tensor& logits, int64_t K, RouterScore score, bool renormalise);

}  // namespace zoo
