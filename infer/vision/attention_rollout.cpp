#include "infer/vision/attention_rollout.h"

#include <c10/util/Exception.h>

namespace zoo {

torch::Tensor attention_rollout(const std::vector<torch::Tensor>& layers) {
  TORCH_CHECK(!layers.empty(), "attention_rollout: needs the weights of one layer or more");
  torch::Tensor rollout;
  for (const auto& weights : layers) {
    const auto mean = weights.to(torch::kDouble).mean(0);                            // [T, T]
    const auto mixed = 0.5 * mean + 0.5 * torch::eye(mean.size(0), mean.options());  // residual
    const auto shares = mixed / mixed.sum(-1, /*keepdim=*/true);
    rollout = rollout.defined() ? shares.matmul(rollout) : shares;  // §3: layer l times all below
  }
  return rollout;
}

}  // namespace zoo
