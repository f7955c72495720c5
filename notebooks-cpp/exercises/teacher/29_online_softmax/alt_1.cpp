// Another way: the sum is one more value, a column of ones; the maximum is kept out of autograd.
#include "notebooks-cpp/exercises/29_online_softmax/online_softmax.h"

namespace {

torch::Tensor shift_of(const torch::Tensor& row_max) {
  return torch::where(row_max.isinf(), 0.0, row_max);
}

}  // namespace

std::tuple<torch::Tensor, torch::Tensor> add_block(const torch::Tensor& row_max,
                                                   const torch::Tensor& row_sum,
                                                   const torch::Tensor& scores) {
  const auto all = torch::cat({row_max.unsqueeze(-1), scores}, -1);
  const auto top = std::get<0>(all.max(-1));
  const auto e = (all - shift_of(top).unsqueeze(-1)).exp();
  const auto counts = torch::cat({row_sum.unsqueeze(-1), torch::ones_like(scores)}, -1);
  return {top, (e * counts).sum(-1)};
}

torch::Tensor online_softmax(const torch::Tensor& scores, int64_t block_size) {
  const auto S = scores.size(-1);
  auto top = std::get<0>(scores.slice(-1, 0, 1).max(-1));
  auto sum = (scores.slice(-1, 0, 1) - shift_of(top).unsqueeze(-1)).exp().squeeze(-1);
  for (int64_t at = 1; at < S; at += block_size)
    std::tie(top, sum) = add_block(top, sum, scores.slice(-1, at, at + block_size));
  const auto e = (scores - shift_of(top).unsqueeze(-1)).exp();
  return torch::where(sum.unsqueeze(-1) > 0, e / sum.unsqueeze(-1).clamp_min(1e-30), 0.0);
}

torch::Tensor attend_online(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                            const torch::Tensor& may_attend, double scale, int64_t block_size) {
  torch::Tensor top, sums;
  const auto with_ones = torch::cat({v, torch::ones_like(v.slice(-1, 0, 1))}, -1);
  for (int64_t at = 0; at < k.size(-2); at += block_size) {
    const auto keys = k.slice(-2, at, at + block_size);
    auto scores = torch::matmul(q * scale, keys.mT());
    if (may_attend.defined())
      scores = torch::where(may_attend.slice(-1, at, at + block_size), scores, kNothingYet);
    auto new_top = std::get<0>(scores.detach().max(-1));
    if (top.defined()) new_top = torch::max(new_top, top);
    const auto shift = shift_of(new_top).unsqueeze(-1);
    const auto part = (scores - shift).exp().matmul(with_ones.slice(-2, at, at + block_size));
    sums = top.defined() ? sums * (top.unsqueeze(-1) - shift).exp() + part : part;
    top = new_top;
  }
  const auto total = sums.slice(-1, -1);
  return sums.slice(-1, 0, -1) / torch::where(total == 0, 1.0, total);
}
