// Exercise 30: flash attention, forward. What to write: README.md beside this file. Grade it: scripts/grade.sh 30
#include "notebooks-cpp/exercises/30_flash_forward/flash_forward.h"

static const double kNothing = -std::numeric_limits<double>::infinity();

// scores [..., T, S], v [..., S, Dh], row_max and row_sum [..., T, 1], output [..., T, Dh]
// -> row_max, row_sum, output
std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> add_tile(const torch::Tensor& scores,
                                                                 const torch::Tensor& v,
                                                                 const torch::Tensor& row_max,
                                                                 const torch::Tensor& row_sum,
                                                                 const torch::Tensor& output) {
  // BEGIN SOLUTION 30.1 (3)
  const auto new_max = torch::maximum(row_max, scores.amax(-1, true));  // [..., T, 1]
  // Nothing seen yet: minus infinity less minus infinity would be NaN.
  const auto shift = new_max.masked_fill(new_max == kNothing, 0.0);
  const auto rescale = (row_max - shift).exp();  // [..., T, 1]
  const auto weights = (scores - shift).exp();   // [..., T, S]
  return {new_max, row_sum * rescale + weights.sum(-1, true), output * rescale + weights.matmul(v)};
  // END SOLUTION
}

// q [..., T, Dh], k and v [..., S, Dh], may_attend bool [..., T, S] or undefined
// -> output [..., T, Dh], log-sum-exp [..., T]
std::tuple<torch::Tensor, torch::Tensor> flash_forward(
    const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
    const torch::Tensor& may_attend, double scale, int64_t query_block, int64_t key_block) {
  // BEGIN SOLUTION 30.2 (7)
  const int64_t T = q.size(-2), S = k.size(-2);
  std::vector<torch::Tensor> outputs, log_sums;
  for (int64_t t = 0; t < T; t += query_block) {
    const int64_t rows = std::min(query_block, T - t);
    const auto q_rows = q.narrow(-2, t, rows) * scale;  // [..., rows, Dh]
    auto output = torch::zeros_like(q_rows);
    auto row_sum = torch::zeros_like(q_rows.narrow(-1, 0, 1));  // [..., rows, 1]
    auto row_max = torch::full_like(row_sum, kNothing);
    for (int64_t s = 0; s < S; s += key_block) {
      const int64_t keys = std::min(key_block, S - s);
      auto scores = q_rows.matmul(k.narrow(-2, s, keys).transpose(-2, -1));  // [..., rows, keys]
      if (may_attend.defined()) {
        const auto visible = may_attend.narrow(-2, t, rows).narrow(-1, s, keys);
        scores = scores.masked_fill(visible.logical_not(), kNothing);
      }
      std::tie(row_max, row_sum, output) =
          add_tile(scores, v.narrow(-2, s, keys), row_max, row_sum, output);
    }
    outputs.push_back(output / row_sum.masked_fill(row_sum == 0, 1.0));
    log_sums.push_back((row_max + row_sum.log()).squeeze(-1));
  }
  return {torch::cat(outputs, -2), torch::cat(log_sums, -1)};
  // END SOLUTION
}
