// Another way: one rank after the other, and bits that tell the weight from the sum.
#include "notebooks-cpp/exercises/26_lora/lora.h"

std::tuple<torch::Tensor, torch::Tensor> lora_init(const torch::Tensor& uniform,
                                                   int64_t out_features) {
  const auto r = uniform.size(0), in = uniform.size(1);
  auto a = torch::empty({r, in}), b = torch::empty({out_features, r});
  const float bound = 1.0f / std::sqrt(float(in));
  for (int64_t i = 0; i < r; ++i)
    for (int64_t j = 0; j < in; ++j) a[i][j] = -bound + uniform[i][j].item<float>() * 2 * bound;
  b.zero_();
  return {a, b};
}

torch::Tensor lora_linear(const torch::Tensor& x, const torch::Tensor& weight,
                          const torch::Tensor& a, const torch::Tensor& b, double alpha) {
  const auto r = a.size(0);
  auto y = torch::linear(x, weight.detach());
  for (int64_t i = 0; i < r; ++i) {
    const auto inner = (x * a[i]).sum(-1, true);  // [..., 1]
    y = y + alpha / double(r) * inner * b.select(1, i);
  }
  return y;
}

std::tuple<torch::Tensor, torch::Tensor> lora_merge(const torch::Tensor& weight,
                                                    const torch::Tensor& a, const torch::Tensor& b,
                                                    double alpha) {
  const auto in = weight.size(1);
  // Row j of the merged weight's transpose is what the layer makes of unit vector j.
  const auto merged = lora_linear(torch::eye(in), weight, a, b, alpha).t();
  return {merged,
          merged.contiguous().view(torch::kInt).bitwise_xor(weight.contiguous().view(torch::kInt))};
}

torch::Tensor lora_unmerge(const torch::Tensor& merged, const torch::Tensor& kept) {
  return merged.contiguous().view(torch::kInt).bitwise_xor(kept).view(torch::kFloat);
}
