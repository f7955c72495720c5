// Exercise 11: a cache of keys and values. What to write: README.md beside this file. Grade it: scripts/grade.sh 11
#include "notebooks-cpp/exercises/11_kv_cache/kv_cache.h"

// cache [B, H, capacity, Dh], fresh [B, H, T, Dh], lengths [B] int64 -> a cache with the new tokens
torch::Tensor append(const torch::Tensor& cache, const torch::Tensor& fresh,
                     const torch::Tensor& lengths) {
  // TODO 11.1 (3 marks)
  throw NotDone("11.1");
}

// q [B, H, T, Dh], keys and values [B, H, capacity, Dh], query_start [B] int64 -> [B, H, T, Dh]
torch::Tensor attend_cached(const torch::Tensor& q, const torch::Tensor& keys,
                            const torch::Tensor& values, const torch::Tensor& query_start) {
  // TODO 11.2 (4 marks)
  throw NotDone("11.2");
}

// T new tokens: q, k, v [B, H, T, Dh] -> (output [B, H, T, Dh], keys, values, lengths)
std::tuple<torch::Tensor, torch::Tensor, torch::Tensor, torch::Tensor> decode_step(
    const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
    const torch::Tensor& keys, const torch::Tensor& values, const torch::Tensor& lengths) {
  // TODO 11.3 (3 marks)
  throw NotDone("11.3");
}
