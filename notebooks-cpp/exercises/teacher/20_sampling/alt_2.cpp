// Another way: from the tail up, with where and searchsorted.
#include "notebooks-cpp/exercises/20_sampling/sampling.h"

torch::Tensor scale_by_temperature(const torch::Tensor& logits, double temperature) {
  return logits.log_softmax(-1).div(temperature);
}

torch::Tensor keep_top_k(const torch::Tensor& logits, int64_t k) {
  const auto rising = std::get<0>(logits.sort(-1));
  const auto least = rising.select(-1, std::max<int64_t>(0, logits.size(-1) - k)).unsqueeze(-1);
  return torch::where(logits >= least, logits, -INFINITY);
}

torch::Tensor keep_top_p(const torch::Tensor& logits, double p) {
  const auto order = std::get<1>(logits.sort(/*stable=*/true, -1, /*descending=*/false));
  const auto tail = logits.gather(-1, order).softmax(-1).cumsum(-1);  // of it and all less likely
  const auto last = torch::arange(logits.size(-1)) == logits.size(-1) - 1;
  const auto stays = (tail > 1 - p) | last;
  const auto rank = std::get<1>(order.sort(-1));  // where each token stands in that order
  return torch::where(stays.gather(-1, rank), logits, -INFINITY);
}

torch::Tensor keep_min_p(const torch::Tensor& logits, double share) {
  const auto ratio = (logits - logits.amax(-1, true)).exp();
  return torch::where(ratio >= share, logits, -INFINITY);
}

torch::Tensor draw_tokens(const torch::Tensor& logits, const torch::Tensor& numbers) {
  const auto sums = logits.softmax(-1).cumsum(-1).contiguous();
  return torch::searchsorted(sums, numbers.to(sums.dtype()).unsqueeze(-1).contiguous(),
                             /*out_int32=*/false, /*right=*/true)
      .squeeze(-1)
      .clamp_max(logits.size(-1) - 1);
}
