// The model of exercise 21, for its shim and its checks.
#pragma once
#include <torch/types.h>

/// table [V, V]: logits of each token after each token; texts [n, t] -> log-probabilities [n, V].
/// memory: 0: only the last token counts; else the weight of the token before it, squared for the
/// one before that, and so on, so that no two texts have the same future.
inline torch::Tensor table_model(const torch::Tensor& table, double memory,
                                 const torch::Tensor& texts) {
  auto logits = table.index_select(0, texts.select(1, -1));  // [n, V]
  double weight = memory;
  for (int64_t t = texts.size(1) - 2; t >= 0 && weight > 0; --t, weight *= memory)
    logits = logits + weight * table.index_select(0, texts.select(1, t));
  return logits.log_softmax(-1);
}
