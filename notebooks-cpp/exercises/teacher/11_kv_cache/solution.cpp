// Exercise 11: a cache of keys and values. What to write: README.md beside this file. Grade it: scripts/grade.sh 11
#include "notebooks-cpp/exercises/11_kv_cache/kv_cache.h"

// cache [B, H, capacity, Dh], fresh [B, H, T, Dh], lengths [B] int64 -> a cache with the new tokens
torch::Tensor append(const torch::Tensor& cache, const torch::Tensor& fresh,
                     const torch::Tensor& lengths) {
  // BEGIN SOLUTION 11.1 (3)
  const int64_t B = fresh.size(0), T = fresh.size(2);
  const auto slots = lengths.unsqueeze(1) + torch::arange(T);  // [B, T]
  return cache.scatter(2, slots.view({B, 1, T, 1}).expand_as(fresh), fresh);
  // END SOLUTION
}

// q [B, H, T, Dh], keys and values [B, H, capacity, Dh], query_start [B] int64 -> [B, H, T, Dh]
torch::Tensor attend_cached(const torch::Tensor& q, const torch::Tensor& keys,
                            const torch::Tensor& values, const torch::Tensor& query_start) {
  // BEGIN SOLUTION 11.2 (4)
  const auto position = query_start.view({-1, 1, 1, 1}) + torch::arange(q.size(2)).view({-1, 1});
  const auto hidden = torch::arange(keys.size(2)) > position;  // [B, 1, T, capacity]
  const auto scores = torch::matmul(q, keys.transpose(2, 3)) / std::sqrt(q.size(3));
  return torch::matmul(torch::softmax(scores.masked_fill(hidden, -INFINITY), -1), values);
  // END SOLUTION
}

// T new tokens: q, k, v [B, H, T, Dh] -> (output [B, H, T, Dh], keys, values, lengths)
std::tuple<torch::Tensor, torch::Tensor, torch::Tensor, torch::Tensor> decode_step(
    const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
    const torch::Tensor& keys, const torch::Tensor& values, const torch::Tensor& lengths) {
  // BEGIN SOLUTION 11.3 (3)
  const auto all_keys = append(keys, k, lengths), all_values = append(values, v, lengths);
  const auto out = attend_cached(q, all_keys, all_values, lengths);  // a token sees itself
  return {out, all_keys, all_values, lengths + q.size(2)};
  // END SOLUTION
}
