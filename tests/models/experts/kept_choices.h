// Who finds room at an expert, by loops.
#pragma once
#include <torch/types.h>

#include <vector>

namespace zoo::testing {

/// chosen [N, K] -> [N, K] bool: first choices before second ones, then earlier tokens.
inline torch::Tensor kept_choices(const torch::Tensor& chosen, int64_t E, int64_t capacity) {
  std::vector<int64_t> room(static_cast<size_t>(E), capacity);
  auto kept = torch::zeros_like(chosen, torch::kBool);
  for (int64_t k = 0; k < chosen.size(1); ++k) {
    for (int64_t t = 0; t < chosen.size(0); ++t) {
      auto& left = room.at(static_cast<size_t>(chosen[t][k].item<int64_t>()));
      if (left > 0) kept[t][k] = true;
      if (left > 0) --left;
    }
  }
  return kept;
}

}  // namespace zoo::testing
