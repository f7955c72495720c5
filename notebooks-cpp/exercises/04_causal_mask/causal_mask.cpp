// Exercise 04: who may see whom. What to write: README.md beside this file. Grade it: scripts/grade.sh 04
#include "notebooks-cpp/exercises/04_causal_mask/causal_mask.h"

// Bool [T, S]: query t, at position t + S - T, sees the keys up to its own position.
torch::Tensor causal_mask(int64_t T, int64_t S) {
  // TODO 04.1 (3 marks)
  throw NotDone("04.1");
}

// Bool [T, S]: the own position and the window - 1 before it; unless causal, also those after it.
torch::Tensor window_mask(int64_t T, int64_t S, int64_t window, bool causal) {
  // TODO 04.2 (3 marks)
  throw NotDone("04.2");
}

// key_lengths [B] int64 -> bool [B, 1, 1, S]: keys from a row's length on are padding.
torch::Tensor padding_mask(const torch::Tensor& key_lengths, int64_t S) {
  // TODO 04.3 (1 mark)
  throw NotDone("04.3");
}

// Bool [B, 1, T, S]: causal, within the window if there is one, and no padding.
torch::Tensor decoder_mask(int64_t T, int64_t S, std::optional<int64_t> window,
                           const torch::Tensor& key_lengths) {
  // TODO 04.4 (3 marks)
  throw NotDone("04.4");
}
