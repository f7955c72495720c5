// Another way: keys outside, queries inside, results written in place, scores in base 2.
#include "notebooks-cpp/exercises/30_flash_forward/flash_forward.h"

using torch::Tensor;
static const float kLow = -std::numeric_limits<float>::infinity();

std::tuple<Tensor, Tensor, Tensor> add_tile(const Tensor& scores, const Tensor& v,
                                            const Tensor& row_max, const Tensor& row_sum,
                                            const Tensor& output) {
  const auto largest = torch::cat({row_max, scores}, -1).amax(-1, true);
  const double log2e = 1 / std::log(2.0);
  const auto base = torch::where(largest.isinf(), torch::zeros_like(largest), largest);
  const auto weights = torch::exp2((scores - base) * log2e);
  const auto old = torch::exp2((row_max - base) * log2e);
  return {largest, torch::addcmul(weights.sum(-1, true), old, row_sum),
          torch::addcmul(torch::einsum("...ts,...sd->...td", {weights, v}), old, output)};
}

std::tuple<Tensor, Tensor> flash_forward(const Tensor& q, const Tensor& k, const Tensor& v,
                                         const Tensor& may_attend, double scale,
                                         int64_t query_block, int64_t key_block) {
  const int64_t T = q.size(-2), S = k.size(-2);
  auto output = torch::zeros_like(q, torch::MemoryFormat::Contiguous);
  auto sums = output.narrow(-1, 0, 1).clone(), maxima = torch::full_like(sums, kLow);
  for (int64_t s = 0; s < S; s += key_block)
    for (int64_t t = 0; t < T; t += query_block) {
      const auto ts = torch::indexing::Slice(t, std::min(t + query_block, T));
      const auto ss = torch::indexing::Slice(s, std::min(s + key_block, S));
      const auto all = torch::indexing::Slice();
      const auto dots = torch::indexing::Ellipsis;
      auto scores = torch::matmul(q.index({dots, ts, all}), k.index({dots, ss, all}).mT()) * scale;
      if (may_attend.defined())
        scores = torch::where(may_attend.index({dots, ts, ss}), scores, kLow);
      auto o = output.index({dots, ts, all}), m = maxima.index({dots, ts, all}),
           l = sums.index({dots, ts, all});
      const auto [new_m, new_l, new_o] = add_tile(scores, v.index({dots, ss, all}), m, l, o);
      m.copy_(new_m);
      l.copy_(new_l);
      o.copy_(new_o);
    }
  const auto logs = maxima + sums.log();
  output = output / sums.clamp_min(1e-38);
  return {output, logs.squeeze(-1)};
}
