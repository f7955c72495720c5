// Exercise 28: routing to experts. What to write: README.md beside this file. Grade it: scripts/grade.sh 28
#include "notebooks-cpp/exercises/28_expert_routing/expert_routing.h"

// logits [N, E] -> weights [N, k], chosen [N, k] int64, most probable first
std::tuple<torch::Tensor, torch::Tensor> route(const torch::Tensor& logits, int64_t top_k,
                                               bool renormalise) {
  // TODO 28.1 (2 marks)
  throw NotDone("28.1");
}

// chosen [N, k] -> bool [N, k]: which choices an expert has room for
torch::Tensor within_capacity(const torch::Tensor& chosen, int64_t n_experts, int64_t capacity) {
  // TODO 28.2 (2 marks)
  throw NotDone("28.2");
}

// x [N, C], weights [N, k], chosen [N, k], kept bool [N, k] -> [N, C]
torch::Tensor mixture(const torch::Tensor& x, const torch::Tensor& weights,
                      const torch::Tensor& chosen, const torch::Tensor& kept,
                      const std::vector<Expert>& experts) {
  // TODO 28.3 (4 marks)
  throw NotDone("28.3");
}

// logits [N, E] -> []
torch::Tensor balance_loss(const torch::Tensor& logits, double alpha) {
  // TODO 28.4 (2 marks)
  throw NotDone("28.4");
}
