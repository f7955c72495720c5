// Exercise 31: flash attention, backward. What to write: README.md beside this file. Grade it: scripts/grade.sh 31
#include "notebooks-cpp/exercises/31_flash_backward/flash_backward.h"

// y and dy [..., T, Dh] -> [..., T]
torch::Tensor row_delta(const torch::Tensor& y, const torch::Tensor& dy) {
  // BEGIN SOLUTION 31.1 (1)
  return (y * dy).sum(-1);
  // END SOLUTION
}

// q [..., T, Dh], k [..., S, Dh], may_attend bool [..., T, S] or undefined, log_sum_exp [..., T]
// -> [..., T, S]
torch::Tensor tile_weights(const torch::Tensor& q, const torch::Tensor& k,
                           const torch::Tensor& may_attend, double scale,
                           const torch::Tensor& log_sum_exp) {
  // BEGIN SOLUTION 31.2 (2)
  const auto scores = q.matmul(k.transpose(-2, -1)) * scale;        // [..., T, S]
  const auto weights = (scores - log_sum_exp.unsqueeze(-1)).exp();  // sum over all tiles: 1
  if (!may_attend.defined()) return weights;
  return weights.masked_fill(may_attend.logical_not(), 0.0);
  // END SOLUTION
}

// q, y, dy [..., T, Dh], k and v [..., S, Dh], may_attend and log_sum_exp as above
// -> dq [..., T, Dh], dk and dv [..., S, Dh]
std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> flash_backward(
    const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
    const torch::Tensor& may_attend, double scale, const torch::Tensor& y,
    const torch::Tensor& log_sum_exp, const torch::Tensor& dy, int64_t query_block,
    int64_t key_block) {
  // BEGIN SOLUTION 31.3 (7)
  const int64_t T = q.size(-2), S = k.size(-2);
  const auto delta = row_delta(y, dy).unsqueeze(-1);  // [..., T, 1]
  const auto dq = torch::zeros_like(q), dk = torch::zeros_like(k), dv = torch::zeros_like(v);
  for (int64_t s = 0; s < S; s += key_block) {
    const int64_t keys = std::min(key_block, S - s);
    const auto k_tile = k.narrow(-2, s, keys), v_tile = v.narrow(-2, s, keys);
    for (int64_t t = 0; t < T; t += query_block) {
      const int64_t rows = std::min(query_block, T - t);
      const auto q_tile = q.narrow(-2, t, rows), dy_tile = dy.narrow(-2, t, rows);
      torch::Tensor visible;
      if (may_attend.defined()) visible = may_attend.narrow(-2, t, rows).narrow(-1, s, keys);
      const auto weights =
          tile_weights(q_tile, k_tile, visible, scale, log_sum_exp.narrow(-1, t, rows));
      const auto dweights = dy_tile.matmul(v_tile.transpose(-2, -1));  // [..., rows, keys]
      const auto dscores = weights * (dweights - delta.narrow(-2, t, rows)) * scale;
      // A query meets many keys and a key many queries: every gradient is a sum over tiles.
      dq.narrow(-2, t, rows).add_(dscores.matmul(k_tile));
      dk.narrow(-2, s, keys).add_(dscores.transpose(-2, -1).matmul(q_tile));
      dv.narrow(-2, s, keys).add_(weights.transpose(-2, -1).matmul(dy_tile));
    }
  }
  return {dq, dk, dv};
  // END SOLUTION
}
