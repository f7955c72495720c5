// Exercise 29: online softmax. What to write: README.md beside this file. Grade it: scripts/grade.sh 29
#include "notebooks-cpp/exercises/29_online_softmax/online_softmax.h"

// row_max [..., T], row_sum [..., T], scores [..., T, K] -> both with K more scores in each row
std::tuple<torch::Tensor, torch::Tensor> add_block(const torch::Tensor& row_max,
                                                   const torch::Tensor& row_sum,
                                                   const torch::Tensor& scores) {
  // BEGIN SOLUTION 29.1 (4)
  const auto new_max = torch::maximum(row_max, scores.amax(-1));  // [..., T]
  // A row that has seen no score: shifted by 0, its exponentials are 0 and not NaN.
  const auto shift = new_max.masked_fill(new_max == kNothingYet, 0.0);
  const auto added = (scores - shift.unsqueeze(-1)).exp().sum(-1);
  return {new_max, row_sum * (row_max - shift).exp() + added};
  // END SOLUTION
}

// scores [..., S] -> weights [..., S]
torch::Tensor online_softmax(const torch::Tensor& scores, int64_t block_size) {
  // BEGIN SOLUTION 29.2 (2)
  auto row_max = torch::full_like(scores.select(-1, 0), kNothingYet);
  auto row_sum = torch::zeros_like(row_max);
  for (const auto& block : scores.split(block_size, -1))
    std::tie(row_max, row_sum) = add_block(row_max, row_sum, block);
  const auto shift = row_max.masked_fill(row_max == kNothingYet, 0.0).unsqueeze(-1);
  return (scores - shift).exp() / row_sum.masked_fill(row_sum == 0, 1.0).unsqueeze(-1);
  // END SOLUTION
}

// q [..., T, Dh], k [..., S, Dh], v [..., S, Dv], may_attend bool or undefined, broadcasts to
// [..., T, S] -> [..., T, Dv]
torch::Tensor attend_online(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                            const torch::Tensor& may_attend, double scale, int64_t block_size) {
  // BEGIN SOLUTION 29.3 (4)
  auto row_max = torch::full_like(q.select(-1, 0), kNothingYet);  // [..., T]
  auto row_sum = torch::zeros_like(row_max);
  auto y = torch::zeros({}, q.options());
  for (int64_t first = 0; first < k.size(-2); first += block_size) {
    const int64_t K = std::min(block_size, k.size(-2) - first);
    auto scores = q.matmul(k.narrow(-2, first, K).transpose(-2, -1)) * scale;  // [..., T, K]
    if (may_attend.defined())
      scores.masked_fill_(may_attend.narrow(-1, first, K).logical_not(), kNothingYet);
    const auto old_max = row_max;
    std::tie(row_max, row_sum) = add_block(row_max, row_sum, scores);
    const auto shift = row_max.masked_fill(row_max == kNothingYet, 0.0).unsqueeze(-1);
    const auto added = (scores - shift).exp().matmul(v.narrow(-2, first, K));  // [..., T, Dv]
    y = y * (old_max.unsqueeze(-1) - shift).exp() + added;
  }
  return y / row_sum.masked_fill(row_sum == 0, 1.0).unsqueeze(-1);
  // END SOLUTION
}
