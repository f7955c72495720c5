// A library as scripts/grade.sh use makes it: attention in three lines, loaded by own_kernel_test.
#include <torch/types.h>

#include <string_view>

namespace {

torch::Tensor attend(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                     const torch::Tensor& may_attend, double scale) {
  const auto scores = torch::matmul(q, k.transpose(-2, -1)) * scale;  // [B, H, T, S]
  const auto weights = torch::softmax(scores.masked_fill(may_attend.logical_not(), -1e30), -1);
  return torch::matmul(weights, v);  // [B, H, T, Dh]
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void* zoo_own_function(const char* name) {
  return std::string_view(name) == "attend" ? reinterpret_cast<void*>(&attend) : nullptr;
}
