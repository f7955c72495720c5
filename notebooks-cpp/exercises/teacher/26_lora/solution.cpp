// Exercise 26: LoRA. What to write: README.md beside this file. Grade it: scripts/grade.sh 26
#include "notebooks-cpp/exercises/26_lora/lora.h"

// uniform [r, in], numbers from [0, 1) -> a [r, in], b [out, r]
std::tuple<torch::Tensor, torch::Tensor> lora_init(const torch::Tensor& uniform,
                                                   int64_t out_features) {
  // BEGIN SOLUTION 26.1 (2)
  const double bound = 1 / std::sqrt(static_cast<double>(uniform.size(1)));
  // B = 0: a fresh adapter changes nothing. A must not be zero too, or no gradient ever comes.
  return {(2 * uniform - 1) * bound, torch::zeros({out_features, uniform.size(0)})};
  // END SOLUTION
}

// x [..., in], weight [out, in] frozen, a [r, in], b [out, r] -> [..., out]
torch::Tensor lora_linear(const torch::Tensor& x, const torch::Tensor& weight,
                          const torch::Tensor& a, const torch::Tensor& b, double alpha) {
  // BEGIN SOLUTION 26.2 (5)
  const double scale = alpha / static_cast<double>(a.size(0));
  const auto update = x.matmul(a.t()).matmul(b.t());      // [..., in] -> [..., r] -> [..., out]
  return x.matmul(weight.detach().t()) + scale * update;  // Eq. 3
  // END SOLUTION
}

// -> merged [out, in], and what lora_unmerge() needs
std::tuple<torch::Tensor, torch::Tensor> lora_merge(const torch::Tensor& weight,
                                                    const torch::Tensor& a, const torch::Tensor& b,
                                                    double alpha) {
  // BEGIN SOLUTION 26.3 (2)
  const double scale = alpha / static_cast<double>(a.size(0));
  // Taking the update away again would leave the rounding of the sum: keep the weight.
  return {weight + scale * b.matmul(a), weight};
  // END SOLUTION
}

// -> the weight before lora_merge(), bit for bit
torch::Tensor lora_unmerge(const torch::Tensor& merged, const torch::Tensor& kept) {
  // BEGIN SOLUTION 26.4 (1)
  return kept;
  // END SOLUTION
}
