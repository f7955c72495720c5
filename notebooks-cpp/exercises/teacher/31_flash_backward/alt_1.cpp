// Another way: queries outside, einsum, sums collected in lists.
#include "notebooks-cpp/exercises/31_flash_backward/flash_backward.h"

using torch::Tensor;

Tensor row_delta(const Tensor& y, const Tensor& dy) {
  return torch::einsum("...td,...td->...t", {y, dy});
}

Tensor tile_weights(const Tensor& q, const Tensor& k, const Tensor& may_attend, double scale,
                    const Tensor& log_sum_exp) {
  const auto scores = torch::einsum("...td,...sd->...ts", {q * scale, k});
  // A query that sees nothing: measured from 0, and hidden below.
  const auto finite = torch::where(log_sum_exp.isfinite(), log_sum_exp, 0.0);
  auto away = scores - finite.unsqueeze(-1);
  if (may_attend.defined()) away = away.masked_fill(may_attend.logical_not(), -INFINITY);
  return torch::exp(away);
}

std::tuple<Tensor, Tensor, Tensor> flash_backward(const Tensor& q, const Tensor& k, const Tensor& v,
                                                  const Tensor& may_attend, double scale,
                                                  const Tensor& y, const Tensor& log_sum_exp,
                                                  const Tensor& dy, int64_t query_block,
                                                  int64_t key_block) {
  if (k.size(-2) == 0) return {torch::zeros_like(q), torch::zeros_like(k), torch::zeros_like(v)};
  const auto k_tiles = k.split(key_block, -2), v_tiles = v.split(key_block, -2);
  const auto q_tiles = q.split(query_block, -2), y_tiles = y.split(query_block, -2);
  const auto dy_tiles = dy.split(query_block, -2), logs = log_sum_exp.split(query_block, -1);
  std::vector<Tensor> dq, dk(k_tiles.size()), dv(k_tiles.size());
  for (size_t i = 0; i < q_tiles.size(); ++i) {
    const auto delta = row_delta(y_tiles[i], dy_tiles[i]).unsqueeze(-1);
    Tensor sum;
    for (size_t j = 0; j < k_tiles.size(); ++j) {
      Tensor mask;
      if (may_attend.defined()) mask = may_attend.split(query_block, -2)[i].split(key_block, -1)[j];
      const auto p = tile_weights(q_tiles[i], k_tiles[j], mask, scale, logs[i]);
      const auto ds = p * (torch::einsum("...td,...sd->...ts", {dy_tiles[i], v_tiles[j]}) - delta);
      const auto to_q = torch::einsum("...ts,...sd->...td", {ds, k_tiles[j] * scale});
      const auto to_k = torch::einsum("...ts,...td->...sd", {ds, q_tiles[i] * scale});
      const auto to_v = torch::einsum("...ts,...td->...sd", {p, dy_tiles[i]});
      sum = sum.defined() ? sum + to_q : to_q;
      dk[j] = dk[j].defined() ? dk[j] + to_k : to_k;
      dv[j] = dv[j].defined() ? dv[j] + to_v : to_v;
    }
    dq.push_back(sum);
  }
  return {torch::cat(dq, -2), torch::cat(dk, -2), torch::cat(dv, -2)};
}
