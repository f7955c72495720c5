// Exercise 20: sampling. What to write: README.md beside this file. Grade it: scripts/grade.sh 20
#include "notebooks-cpp/exercises/20_sampling/sampling.h"

namespace {
constexpr double kRemoved = -std::numeric_limits<double>::infinity();
}

// logits [B, V] -> [B, V]
torch::Tensor scale_by_temperature(const torch::Tensor& logits, double temperature) {
  // TODO 20.1 (1 mark)
  throw NotDone("20.1");
}

// logits [B, V] -> [B, V]
torch::Tensor keep_top_k(const torch::Tensor& logits, int64_t k) {
  // TODO 20.2 (2 marks)
  throw NotDone("20.2");
}

// logits [B, V] -> [B, V]
torch::Tensor keep_top_p(const torch::Tensor& logits, double p) {
  // TODO 20.3 (3 marks)
  throw NotDone("20.3");
}

// logits [B, V] -> [B, V]
torch::Tensor keep_min_p(const torch::Tensor& logits, double share) {
  // TODO 20.4 (1 mark)
  throw NotDone("20.4");
}

// logits [B, V], numbers [B] -> [B] int64
torch::Tensor draw_tokens(const torch::Tensor& logits, const torch::Tensor& numbers) {
  // TODO 20.5 (3 marks)
  throw NotDone("20.5");
}
