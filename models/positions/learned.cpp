// A table of trained vectors, one per position.
#include "models/positions/learned.h"

namespace zoo {

LearnedPosition::LearnedPosition(int64_t max_positions, int64_t d_model, int64_t offset)
    : offset_(offset) {
  table = register_module("table", torch::nn::Embedding(offset + max_positions, d_model));
}

torch::Tensor LearnedPosition::embed(const torch::Tensor& x, const torch::Tensor& positions) const {
  const auto rows = offset_ == 0 ? positions : positions + offset_;
  return x + torch::embedding(table->weight, rows);  // [B, T, C]
}

int64_t LearnedPosition::max_positions() const { return table->weight.size(0) - offset_; }

}  // namespace zoo
