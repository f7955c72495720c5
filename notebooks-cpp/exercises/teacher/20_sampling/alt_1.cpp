// Another way: token by token, comparing each with all others.
#include "notebooks-cpp/exercises/20_sampling/sampling.h"

namespace {

/// Calls keeps(logits of the row, probabilities of the row, token) for all tokens.
torch::Tensor filtered(const torch::Tensor& logits, const auto& keeps) {
  auto result = logits.clone();
  for (int64_t b = 0; b < logits.size(0); ++b) {
    const auto row = logits[b].to(torch::kDouble).contiguous();
    const auto p = row.softmax(-1);
    const std::vector<double> x(row.data_ptr<double>(), row.data_ptr<double>() + row.numel());
    const std::vector<double> q(p.data_ptr<double>(), p.data_ptr<double>() + p.numel());
    for (size_t v = 0; v < x.size(); ++v)
      if (!keeps(x, q, v)) result[b][static_cast<int64_t>(v)] = -INFINITY;
  }
  return result;
}

}  // namespace

torch::Tensor scale_by_temperature(const torch::Tensor& logits, double temperature) {
  return (logits - logits.amax(-1, true)) * (1 / temperature);
}

torch::Tensor keep_top_k(const torch::Tensor& logits, int64_t k) {
  return filtered(logits, [&](const auto& x, const auto&, size_t v) {
    return std::count_if(x.begin(), x.end(), [&](double other) { return other > x[v]; }) < k;
  });
}

torch::Tensor keep_top_p(const torch::Tensor& logits, double p) {
  return filtered(logits, [&](const auto& x, const auto& q, size_t v) {
    double likelier = 0;
    for (size_t n = 0; n < x.size(); ++n)
      if (x[n] > x[v] || (x[n] == x[v] && n < v)) likelier += q[n];
    return likelier < p;
  });
}

torch::Tensor keep_min_p(const torch::Tensor& logits, double share) {
  return filtered(logits, [&](const auto& x, const auto&, size_t v) {
    return x[v] - *std::max_element(x.begin(), x.end()) >= std::log(share);
  });
}

torch::Tensor draw_tokens(const torch::Tensor& logits, const torch::Tensor& numbers) {
  const auto p = logits.to(torch::kDouble).softmax(-1);
  auto drawn = torch::zeros({logits.size(0)}, torch::kLong);
  for (int64_t b = 0; b < logits.size(0); ++b) {
    double left = numbers[b].item<double>();
    int64_t v = 0;
    while (v + 1 < logits.size(1) && left >= p[b][v].item<double>())
      left -= p[b][v++].item<double>();
    drawn[b] = v;
  }
  return drawn;
}
