// Another way: from nothing but comparisons of positions.
#include "notebooks-cpp/exercises/04_causal_mask/causal_mask.h"

torch::Tensor causal_mask(int64_t T, int64_t S) { return window_mask(T, S, S + 1, true); }

torch::Tensor window_mask(int64_t T, int64_t S, int64_t window, bool causal) {
  const auto own = (torch::arange(T) + (S - T)).view({T, 1});
  const auto keys = torch::arange(S).view({1, S});
  const auto last = causal ? own : own + (window - 1);
  return (keys > own - window) & (keys <= last);
}

torch::Tensor padding_mask(const torch::Tensor& key_lengths, int64_t S) {
  const auto keys = torch::arange(S).expand({key_lengths.size(0), S});
  return (keys < key_lengths.unsqueeze(1)).unsqueeze(1).unsqueeze(1);
}

torch::Tensor decoder_mask(int64_t T, int64_t S, std::optional<int64_t> window,
                           const torch::Tensor& key_lengths) {
  return window_mask(T, S, window.value_or(S + 1), true) & padding_mask(key_lengths, S);
}
