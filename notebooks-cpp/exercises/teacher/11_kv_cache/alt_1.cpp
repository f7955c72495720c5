// Another way: row by row, with slices, and no mask where all keys are seen.
#include "notebooks-cpp/exercises/11_kv_cache/kv_cache.h"

torch::Tensor append(const torch::Tensor& cache, const torch::Tensor& fresh,
                     const torch::Tensor& lengths) {
  std::vector<torch::Tensor> rows;
  for (int64_t b = 0; b < cache.size(0); ++b) {
    const auto begin = lengths[b].item<int64_t>(), end = begin + fresh.size(2);
    rows.push_back(torch::cat({cache[b].slice(1, 0, begin), fresh[b], cache[b].slice(1, end)}, 1));
  }
  return torch::stack(rows);
}

torch::Tensor attend_cached(const torch::Tensor& q, const torch::Tensor& keys,
                            const torch::Tensor& values, const torch::Tensor& query_start) {
  std::vector<torch::Tensor> rows;
  for (int64_t b = 0; b < q.size(0); ++b) {
    std::vector<torch::Tensor> outputs;
    for (int64_t t = 0; t < q.size(2); ++t) {
      const auto seen = query_start[b].item<int64_t>() + t + 1;
      const auto k = keys[b].slice(1, 0, seen), v = values[b].slice(1, 0, seen);  // [H, seen, Dh]
      const auto query = q[b].select(1, t).unsqueeze(1);                          // [H, 1, Dh]
      const auto scores = query.matmul(k.mT()) * std::pow(q.size(3), -0.5);
      outputs.push_back(scores.softmax(-1).matmul(v));
    }
    rows.push_back(torch::cat(outputs, 1));
  }
  return torch::stack(rows);
}

std::tuple<torch::Tensor, torch::Tensor, torch::Tensor, torch::Tensor> decode_step(
    const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
    const torch::Tensor& keys, const torch::Tensor& values, const torch::Tensor& lengths) {
  const auto grown_keys = append(keys, k, lengths);
  const auto grown_values = append(values, v, lengths);
  return std::make_tuple(attend_cached(q, grown_keys, grown_values, lengths), grown_keys,
                         grown_values, lengths.add(q.size(-2)));
}
