// Another way: rows that are kept divided; two sets of keys are joined by their log-sum-exp.
#include "notebooks-cpp/exercises/30_flash_forward/flash_forward.h"

std::tuple<torch::Tensor, torch::Tensor, torch::Tensor> add_tile(const torch::Tensor& scores,
                                                                 const torch::Tensor& v,
                                                                 const torch::Tensor& row_max,
                                                                 const torch::Tensor& row_sum,
                                                                 const torch::Tensor& output) {
  auto new_max = row_max.clone(), new_sum = row_sum.clone(), new_output = output.clone();
  for (int64_t s = 0; s < scores.size(-1); ++s) {  // one key at a time
    const auto score = scores.narrow(-1, s, 1);
    const auto next = torch::where(score > new_max, score, new_max);
    const auto seen = next.isfinite();
    const auto old = torch::where(seen, new_max - next, 0.0).exp();
    const auto weight = torch::where(seen, (score - next).exp(), 0.0);
    new_sum = new_sum * old + weight;
    new_output = new_output * old + weight * v.narrow(-2, s, 1);
    new_max = next;
  }
  return {new_max, new_sum, new_output};
}

static torch::Tensor one_where_zero(const torch::Tensor& x) { return x + (x == 0); }

std::tuple<torch::Tensor, torch::Tensor> flash_forward(
    const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
    const torch::Tensor& may_attend, double scale, int64_t query_block, int64_t key_block) {
  const double low = -1e30;
  std::vector<torch::Tensor> outputs, logs;
  for (const auto& rows : torch::arange(q.size(-2)).split(query_block)) {
    const auto q_rows = q.index_select(-2, rows);
    auto output = q_rows * 0, log_sum = q_rows.sum(-1, true) * 0 + low;
    if (k.size(-2) > 0)
      for (const auto& keys : torch::arange(k.size(-2)).split(key_block)) {
        const auto scores =
            torch::einsum("...td,...sd->...ts", {q_rows, k.index_select(-2, keys)}) * scale;
        auto e = torch::ones({1}, torch::kBool).expand_as(scores);
        if (may_attend.defined())
          e = may_attend.index_select(-2, rows).index_select(-1, keys).expand_as(scores);
        const auto top = torch::where(e, scores, low).amax(-1, true);
        const auto weights = torch::where(e, (scores - top).exp(), 0.0);
        const auto sum = weights.sum(-1, true);
        const auto tile_log = torch::where(sum > 0, top + one_where_zero(sum).log(), low);
        const auto tile = weights.matmul(v.index_select(-2, keys)) / one_where_zero(sum);
        const auto joined = torch::logaddexp(log_sum, tile_log);
        output = output * (log_sum - joined).exp() + tile * (tile_log - joined).exp();
        log_sum = joined;
      }
    const auto blind = log_sum < low / 2;
    outputs.push_back(output.masked_fill(blind, 0.0));
    logs.push_back(log_sum.masked_fill(blind, -INFINITY).squeeze(-1));
  }
  return {torch::cat(outputs, -2), torch::cat(logs, -1)};
}
