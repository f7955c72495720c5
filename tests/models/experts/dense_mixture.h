// A mixture of experts by its definition: every expert computes every token, with weight 0 where it
// was not chosen. What the real layer is compared with.
#pragma once
#include <torch/nn/functional/linear.h>

#include "models/experts/mixture_of_experts.h"

namespace zoo::testing {

/// x [N, C] -> where its tokens go.
inline Routing routing_of(const MixtureOfExperts& layer, const torch::Tensor& x) {
  const auto& o = layer->options;
  return route(torch::linear(x, layer->router->weight), o.experts_per_token, o.score,
               o.renormalise);
}

/// x [N, C] -> [N, C]. kept [N, K] bool: the choices that an expert has room for; undefined: all.
inline torch::Tensor dense_mixture(MixtureOfExperts layer, const torch::Tensor& x,
                                   const torch::Tensor& kept = {}) {
  const Routing routing = routing_of(layer, x);
  auto weights = routing.weights;  // [N, K]
  if (kept.defined()) weights = weights * kept.to(weights.dtype());
  const auto gates =
      torch::zeros_like(routing.probabilities).scatter(1, routing.chosen, weights);  // [N, E]
  auto y = torch::zeros_like(x);
  for (int64_t e = 0; e < layer->options.experts; ++e) {
    const auto of_expert = layer->experts->at<FeedForwardImpl>(static_cast<size_t>(e)).forward(x);
    y = y + gates.narrow(1, e, 1).to(of_expert.dtype()) * of_expert;
  }
  if (layer->shared) y = y + layer->shared->forward(x);
  return y;
}

}  // namespace zoo::testing
