// Another way: loops over plain numbers, then triangles cut from a full mask.
#include "notebooks-cpp/exercises/04_causal_mask/causal_mask.h"

torch::Tensor causal_mask(int64_t T, int64_t S) {
  auto mask = torch::zeros({T, S}, torch::kBool);
  bool* cell = mask.data_ptr<bool>();
  for (int64_t t = 0; t < T; ++t)
    for (int64_t s = 0; s < S; ++s) *cell++ = s <= t + S - T;
  return mask;
}

torch::Tensor window_mask(int64_t T, int64_t S, int64_t window, bool causal) {
  const auto all = torch::ones({T, S}, torch::kBool);
  const int64_t shift = S - T, ahead = causal ? 0 : window - 1;
  return all.tril(shift + ahead) & all.triu(shift - window + 1);
}

torch::Tensor padding_mask(const torch::Tensor& key_lengths, int64_t S) {
  auto mask = torch::zeros({key_lengths.size(0), 1, 1, S}, torch::kBool);
  for (int64_t b = 0; b < key_lengths.size(0); ++b)
    mask[b].narrow(-1, 0, std::min(S, key_lengths[b].item<int64_t>())).fill_(true);
  return mask;
}

torch::Tensor decoder_mask(int64_t T, int64_t S, std::optional<int64_t> window,
                           const torch::Tensor& key_lengths) {
  auto mask = padding_mask(key_lengths, S).expand({-1, 1, T, S}).clone();
  mask &= causal_mask(T, S);
  if (window) mask &= window_mask(T, S, *window, true);
  return mask;
}
