// Another way: two passes, as the zoo's CUDA kernels make them: dq for each block of queries, then
// dk and dv for each block of keys.
#include "notebooks-cpp/exercises/31_flash_backward/flash_backward.h"

torch::Tensor row_delta(const torch::Tensor& y, const torch::Tensor& dy) {
  return torch::matmul(y.unsqueeze(-2), dy.unsqueeze(-1)).squeeze(-1).squeeze(-1);
}

torch::Tensor tile_weights(const torch::Tensor& q, const torch::Tensor& k,
                           const torch::Tensor& may_attend, double scale,
                           const torch::Tensor& log_sum_exp) {
  const auto all =
      (torch::matmul(k, q.transpose(-1, -2)) * scale - log_sum_exp.unsqueeze(-2)).exp();
  const auto weights = all.transpose(-1, -2).contiguous();
  return may_attend.defined() ? torch::where(may_attend, weights, 0.0) : weights;
}

std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> flash_backward(
    const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
    const torch::Tensor& may_attend, double scale, const torch::Tensor& y,
    const torch::Tensor& log_sum_exp, const torch::Tensor& dy, int64_t query_block,
    int64_t key_block) {
  const auto delta = row_delta(y, dy);
  const auto tile = [&](const torch::Tensor& queries, const torch::Tensor& keys) {
    torch::Tensor visible;
    if (may_attend.defined()) visible = may_attend.index_select(-2, queries).index_select(-1, keys);
    const auto weights = tile_weights(q.index_select(-2, queries), k.index_select(-2, keys),
                                      visible, scale, log_sum_exp.index_select(-1, queries));
    auto away =
        torch::matmul(dy.index_select(-2, queries), v.index_select(-2, keys).transpose(-1, -2));
    away = away.sub(delta.index_select(-1, queries).unsqueeze(-1));
    return std::make_pair(weights, weights.mul(away).mul(scale));
  };
  std::vector<torch::Tensor> queries, keys;
  if (q.size(-2) > 0) queries = torch::arange(q.size(-2)).split(query_block);
  if (k.size(-2) > 0) keys = torch::arange(k.size(-2)).split(key_block);
  auto dq = q * 0, dk = k * 0, dv = v * 0;
  for (const auto& block : queries) {
    auto sum = q.index_select(-2, block) * 0;
    for (const auto& other : keys)
      sum = sum + tile(block, other).second.matmul(k.index_select(-2, other));
    dq.index_add_(-2, block, sum);
  }
  for (const auto& block : keys)
    for (const auto& other : queries) {
      const auto [weights, dscores] = tile(other, block);
      dk.index_add_(-2, block, dscores.transpose(-1, -2).matmul(q.index_select(-2, other)));
      dv.index_add_(-2, block, weights.transpose(-1, -2).matmul(dy.index_select(-2, other)));
    }
  return {dq, dk, dv};
}
