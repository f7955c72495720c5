// Another way: a result for each block, merged by how much each has seen.
#include "notebooks-cpp/exercises/29_online_softmax/online_softmax.h"

namespace {

using torch::Tensor;

struct Part {
  Tensor top, sum, y;  // [..., T, 1], [..., T, 1], [..., T, Dv]
};

Part part_of(const Tensor& scores, const Tensor& values) {
  const auto top = scores.amax(-1, true);
  const auto e = (scores - top.clamp_min(-1e30)).exp();
  return {top, e.sum(-1, true), values.defined() ? e.matmul(values) : Tensor()};
}

Part merge(const Part& a, const Part& b) {
  const auto top = torch::maximum(a.top, b.top), shift = top.clamp_min(-1e30);
  const auto of_a = (a.top - shift).exp(), of_b = (b.top - shift).exp();
  return {top, a.sum * of_a + b.sum * of_b, a.y.defined() ? a.y * of_a + b.y * of_b : Tensor()};
}

}  // namespace

std::tuple<Tensor, Tensor> add_block(const Tensor& row_max, const Tensor& row_sum,
                                     const Tensor& scores) {
  const auto merged =
      merge({row_max.unsqueeze(-1), row_sum.unsqueeze(-1), {}}, part_of(scores, {}));
  return {merged.top.squeeze(-1), merged.sum.squeeze(-1)};
}

Tensor online_softmax(const Tensor& scores, int64_t block_size) {
  Part all = part_of(scores.slice(-1, 0, block_size), {});
  for (int64_t at = block_size; at < scores.size(-1); at += block_size)
    all = merge(all, part_of(scores.slice(-1, at, at + block_size), {}));
  return (scores - all.top.clamp_min(-1e30)).exp() / all.sum.clamp_min(1e-30);
}

Tensor attend_online(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& may_attend,
                     double scale, int64_t block_size) {
  const auto parts = k.split(block_size, -2), values = v.split(block_size, -2);
  std::optional<Part> all;
  for (size_t n = 0; n < parts.size(); ++n) {
    auto scores = torch::einsum("...td,...sd->...ts", {q, parts[n]}).mul(scale);
    if (may_attend.defined())
      scores = scores.masked_fill(~may_attend.split(block_size, -1)[n], kNothingYet);
    const auto part = part_of(scores, values[n]);
    all = all ? merge(*all, part) : part;
  }
  return all->y / all->sum.clamp_min(1e-30);
}
