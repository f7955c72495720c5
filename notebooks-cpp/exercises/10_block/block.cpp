// Exercise 10: the transformer block. What to write: README.md beside this file. Grade it: scripts/grade.sh 10
#include "notebooks-cpp/exercises/10_block/block.h"

// x [B, T, C] -> [B, T, C]: one sub-layer with its norm and the way around it
torch::Tensor residual(const torch::Tensor& x, const SubLayer& norm, const SubLayer& sub_layer,
                       NormPlace norm_place) {
  // TODO 10.1 (4 marks)
  throw NotDone("10.1");
}

// x [B, T, C] -> [B, T, C]: attention, then feed-forward
torch::Tensor block(const torch::Tensor& x, const SubLayer& attention_norm,
                    const SubLayer& attention, const SubLayer& feed_forward_norm,
                    const SubLayer& feed_forward, NormPlace norm_place) {
  // TODO 10.2 (4 marks)
  throw NotDone("10.2");
}

// x [B, T, C] -> [B, T, C]: the blocks in order, and what the last one leaves to do
torch::Tensor stack(const torch::Tensor& x, const std::vector<SubLayer>& blocks,
                    const SubLayer& final_norm, NormPlace norm_place) {
  // TODO 10.3 (2 marks)
  throw NotDone("10.3");
}
