// Another way: torch is asked, by trying.
#include "notebooks-cpp/exercises/03_heads/heads.h"

torch::Tensor split_heads(const torch::Tensor& x, int64_t heads) {
  return x.view({x.size(0), x.size(1), heads, x.size(2) / heads}).permute({0, 2, 1, 3});
}

torch::Tensor merge_heads(const torch::Tensor& y) {
  return y.permute({0, 2, 1, 3}).reshape({y.size(0), y.size(2), y.size(1) * y.size(3)});
}

std::vector<int64_t> head_strides(const std::vector<int64_t>& strides, int64_t head_width) {
  const auto x = torch::empty({1000}).as_strided({2, 2, 2 * head_width}, strides);
  return split_heads(x, 2).strides().vec();
}

bool merge_needs_copy(const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides) {
  const auto memory = torch::empty({1000});
  const auto y = memory.as_strided(sizes, strides);
  return !merge_heads(y).is_alias_of(memory);
}
