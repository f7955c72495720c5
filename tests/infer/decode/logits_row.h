// One row of logits, from numbers that a reader can follow.
#pragma once
#include <torch/types.h>

#include <vector>

namespace zoo::testing {

/// [1, V]
inline torch::Tensor row(const std::vector<float>& logits) {
  return torch::tensor(logits).unsqueeze(0);
}
/// Logits of given probabilities: [1, V]
inline torch::Tensor row_of_probabilities(const std::vector<float>& p) { return row(p).log(); }

}  // namespace zoo::testing
