// Another way: a one-hot matrix carries tokens to their slots; weights by einsum, mask by where.
#include "notebooks-cpp/exercises/11_kv_cache/kv_cache.h"

torch::Tensor append(const torch::Tensor& cache, const torch::Tensor& fresh,
                     const torch::Tensor& lengths) {
  const auto slot = torch::arange(cache.size(2)).view({1, 1, -1});
  const auto token = torch::arange(fresh.size(2)).view({1, -1, 1});
  const auto goes = (slot == lengths.view({-1, 1, 1}) + token).to(fresh.dtype());  // [B, T, S]
  const auto written = torch::einsum("bts,bhtd->bhsd", {goes, fresh});
  const auto used = goes.sum(1).view({goes.size(0), 1, -1, 1}) > 0;
  return torch::where(used, written, cache);
}

torch::Tensor attend_cached(const torch::Tensor& q, const torch::Tensor& keys,
                            const torch::Tensor& values, const torch::Tensor& query_start) {
  auto scores = torch::einsum("bhtd,bhsd->bhts", {q / std::sqrt(q.size(-1)), keys});
  const auto last = query_start.unsqueeze(1) + torch::arange(q.size(2)).unsqueeze(0);  // [B, T]
  const auto sees =
      torch::arange(keys.size(2)).view({1, 1, 1, -1}) <= last.unsqueeze(1).unsqueeze(3);
  scores = torch::where(sees, scores, -1e30);
  const auto e = (scores - scores.amax(-1, true)).exp();
  return torch::einsum("bhts,bhsd->bhtd", {e, values}) / e.sum(-1, true);
}

std::tuple<torch::Tensor, torch::Tensor, torch::Tensor, torch::Tensor> decode_step(
    const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
    const torch::Tensor& keys, const torch::Tensor& values, const torch::Tensor& lengths) {
  torch::Tensor all_keys = keys, all_values = values, after = lengths;
  std::vector<torch::Tensor> outputs;
  for (int64_t t = 0; t < q.size(2); ++t) {  // token by token
    all_keys = append(all_keys, k.narrow(2, t, 1), after);
    all_values = append(all_values, v.narrow(2, t, 1), after);
    outputs.push_back(attend_cached(q.narrow(2, t, 1), all_keys, all_values, after));
    after = after + 1;
  }
  return {torch::cat(outputs, 2), all_keys, all_values, after};
}
