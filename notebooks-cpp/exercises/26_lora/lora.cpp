// Exercise 26: LoRA. What to write: README.md beside this file. Grade it: scripts/grade.sh 26
#include "notebooks-cpp/exercises/26_lora/lora.h"

// uniform [r, in], numbers from [0, 1) -> a [r, in], b [out, r]
std::tuple<torch::Tensor, torch::Tensor> lora_init(const torch::Tensor& uniform,
                                                   int64_t out_features) {
  // TODO 26.1 (2 marks)
  throw NotDone("26.1");
}

// x [..., in], weight [out, in] frozen, a [r, in], b [out, r] -> [..., out]
torch::Tensor lora_linear(const torch::Tensor& x, const torch::Tensor& weight,
                          const torch::Tensor& a, const torch::Tensor& b, double alpha) {
  // TODO 26.2 (5 marks)
  throw NotDone("26.2");
}

// -> merged [out, in], and what lora_unmerge() needs
std::tuple<torch::Tensor, torch::Tensor> lora_merge(const torch::Tensor& weight,
                                                    const torch::Tensor& a, const torch::Tensor& b,
                                                    double alpha) {
  // TODO 26.3 (2 marks)
  throw NotDone("26.3");
}

// -> the weight before lora_merge(), bit for bit
torch::Tensor lora_unmerge(const torch::Tensor& merged, const torch::Tensor& kept) {
  // TODO 26.4 (1 mark)
  throw NotDone("26.4");
}
