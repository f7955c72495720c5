// Exercise 03: heads. What to write: README.md beside this file. Grade it: scripts/grade.sh 03
#include "notebooks-cpp/exercises/03_heads/heads.h"

// x [B, T, H Dh] -> [B, H, T, Dh], in x's memory
torch::Tensor split_heads(const torch::Tensor& x, int64_t heads) {
  // TODO 03.1 (4 marks)
  throw NotDone("03.1");
}

// y [B, H, T, Dh] -> [B, T, H Dh], in y's memory where that is possible
torch::Tensor merge_heads(const torch::Tensor& y) {
  // TODO 03.2 (3 marks)
  throw NotDone("03.2");
}

// Strides of x [B, T, H Dh] -> strides of split_heads(x) [B, H, T, Dh]
std::vector<int64_t> head_strides(const std::vector<int64_t>& strides, int64_t head_width) {
  // TODO 03.3 (2 marks)
  throw NotDone("03.3");
}

// Sizes and strides of y [B, H, T, Dh] -> whether merge_heads(y) must copy
bool merge_needs_copy(const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides) {
  // TODO 03.4 (1 mark)
  throw NotDone("03.4");
}
