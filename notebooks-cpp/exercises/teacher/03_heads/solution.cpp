// Exercise 03: heads. What to write: README.md beside this file. Grade it: scripts/grade.sh 03
#include "notebooks-cpp/exercises/03_heads/heads.h"

// x [B, T, H Dh] -> [B, H, T, Dh], in x's memory
torch::Tensor split_heads(const torch::Tensor& x, int64_t heads) {
  // BEGIN SOLUTION 03.1 (4)
  return x.unflatten(-1, {heads, -1}).transpose(1, 2);  // [B, T, C] -> [B, T, H, Dh] -> ...
  // END SOLUTION
}

// y [B, H, T, Dh] -> [B, T, H Dh], in y's memory where that is possible
torch::Tensor merge_heads(const torch::Tensor& y) {
  // BEGIN SOLUTION 03.2 (3)
  return y.transpose(1, 2).flatten(2);  // [B, T, H, Dh] -> [B, T, H Dh]; copies where it must
  // END SOLUTION
}

// Strides of x [B, T, H Dh] -> strides of split_heads(x) [B, H, T, Dh]
std::vector<int64_t> head_strides(const std::vector<int64_t>& strides, int64_t head_width) {
  // BEGIN SOLUTION 03.3 (2)
  const int64_t batch = strides[0], token = strides[1], channel = strides[2];
  return {batch, head_width * channel, token, channel};
  // END SOLUTION
}

// Sizes and strides of y [B, H, T, Dh] -> whether merge_heads(y) must copy
bool merge_needs_copy(const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides) {
  // BEGIN SOLUTION 03.4 (1)
  const int64_t heads = sizes[1], head_width = sizes[3];
  if (heads == 1) return false;  // nobody ever steps along that axis
  return strides[1] != head_width * strides[3];
  // END SOLUTION
}
