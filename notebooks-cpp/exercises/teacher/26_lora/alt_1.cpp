// Another way: einsum, and the update folded into a.
#include "notebooks-cpp/exercises/26_lora/lora.h"

std::tuple<torch::Tensor, torch::Tensor> lora_init(const torch::Tensor& uniform,
                                                   int64_t out_features) {
  const auto a = (uniform - 0.5) / (0.5 * std::sqrt(double(uniform.size(-1))));
  return {a, torch::zeros_like(uniform.slice(1, 0, 1)).t().repeat({out_features, 1})};
}

torch::Tensor lora_linear(const torch::Tensor& x, const torch::Tensor& weight,
                          const torch::Tensor& a, const torch::Tensor& b, double alpha) {
  torch::Tensor frozen;
  {
    torch::NoGradGuard guard;
    frozen = weight.view_as(weight);
  }
  const auto base = torch::einsum("...i,oi->...o", {x, weight.detach()});
  return base + torch::einsum("...i,ri,or->...o", {x, a * (alpha / double(b.size(1))), b});
}

std::tuple<torch::Tensor, torch::Tensor> lora_merge(const torch::Tensor& weight,
                                                    const torch::Tensor& a, const torch::Tensor& b,
                                                    double alpha) {
  auto merged = weight.clone();
  merged.add_(torch::einsum("or,ri->oi", {b, a}), alpha / double(a.size(0)));
  return {merged, weight.clone()};
}

torch::Tensor lora_unmerge(const torch::Tensor& merged, const torch::Tensor& kept) {
  auto weight = torch::empty_like(merged);
  weight.copy_(kept);
  return weight;
}
