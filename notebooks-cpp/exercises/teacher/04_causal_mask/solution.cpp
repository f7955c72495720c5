// Exercise 04: who may see whom. What to write: README.md beside this file. Grade it: scripts/grade.sh 04
#include "notebooks-cpp/exercises/04_causal_mask/causal_mask.h"

// Bool [T, S]: query t, at position t + S - T, sees the keys up to its own position.
torch::Tensor causal_mask(int64_t T, int64_t S) {
  // BEGIN SOLUTION 04.1 (3)
  return torch::ones({T, S}, torch::kBool).tril(S - T);
  // END SOLUTION
}

// Bool [T, S]: the own position and the window - 1 before it; unless causal, also those after it.
torch::Tensor window_mask(int64_t T, int64_t S, int64_t window, bool causal) {
  // BEGIN SOLUTION 04.2 (3)
  const auto positions = torch::arange(S - T, S).unsqueeze(1);  // [T, 1]
  const auto back = positions - torch::arange(S);               // [T, S]: how far back a key lies
  return back.lt(window).logical_and(causal ? back.ge(0) : back.gt(-window));
  // END SOLUTION
}

// key_lengths [B] int64 -> bool [B, 1, 1, S]: keys from a row's length on are padding.
torch::Tensor padding_mask(const torch::Tensor& key_lengths, int64_t S) {
  // BEGIN SOLUTION 04.3 (1)
  return torch::arange(S).lt(key_lengths.view({-1, 1, 1, 1}));
  // END SOLUTION
}

// Bool [B, 1, T, S]: causal, within the window if there is one, and no padding.
torch::Tensor decoder_mask(int64_t T, int64_t S, std::optional<int64_t> window,
                           const torch::Tensor& key_lengths) {
  // BEGIN SOLUTION 04.4 (3)
  const auto pairs = window ? window_mask(T, S, *window, true) : causal_mask(T, S);  // [T, S]
  return padding_mask(key_lengths, S).logical_and(pairs);
  // END SOLUTION
}
