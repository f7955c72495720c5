// Exercise 10: the transformer block. What to write: README.md beside this file. Grade it: scripts/grade.sh 10
#include "notebooks-cpp/exercises/10_block/block.h"

// x [B, T, C] -> [B, T, C]: one sub-layer with its norm and the way around it
torch::Tensor residual(const torch::Tensor& x, const SubLayer& norm, const SubLayer& sub_layer,
                       NormPlace norm_place) {
  // BEGIN SOLUTION 10.1 (4)
  if (norm_place == NormPlace::kPost) return norm(x + sub_layer(x));  // Vaswani et al., §3.1
  return x + sub_layer(norm(x));                                      // Xiong et al., Figure 1 (b)
  // END SOLUTION
}

// x [B, T, C] -> [B, T, C]: attention, then feed-forward
torch::Tensor block(const torch::Tensor& x, const SubLayer& attention_norm,
                    const SubLayer& attention, const SubLayer& feed_forward_norm,
                    const SubLayer& feed_forward, NormPlace norm_place) {
  // BEGIN SOLUTION 10.2 (4)
  const auto h = residual(x, attention_norm, attention, norm_place);
  return residual(h, feed_forward_norm, feed_forward, norm_place);
  // END SOLUTION
}

// x [B, T, C] -> [B, T, C]: the blocks in order, and what the last one leaves to do
torch::Tensor stack(const torch::Tensor& x, const std::vector<SubLayer>& blocks,
                    const SubLayer& final_norm, NormPlace norm_place) {
  // BEGIN SOLUTION 10.3 (2)
  auto h = x;
  for (const auto& block : blocks) h = block(h);
  // With pre-norm nothing has normalized the last sum yet.
  return norm_place == NormPlace::kPre ? final_norm(h) : h;
  // END SOLUTION
}
