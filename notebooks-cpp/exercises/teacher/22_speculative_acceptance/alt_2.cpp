// Another way: all positions at once.
#include "notebooks-cpp/exercises/22_speculative_acceptance/speculative_acceptance.h"

torch::Tensor residual(const torch::Tensor& p, const torch::Tensor& q) {
  const auto left = torch::relu(p - q);
  return left.sum().item<double>() == 0 ? p : left / left.sum();
}

std::tuple<int64_t, bool> accept_or_resample(const torch::Tensor& p, const torch::Tensor& q,
                                             int64_t draft, double keep_number,
                                             double draw_number) {
  const auto both = torch::cat({p.unsqueeze(0), q.unsqueeze(0)});
  const double share = std::min(1.0, (both[0][draft] / both[1][draft]).item<double>());
  if (share > keep_number) return std::make_tuple(draft, true);
  return std::make_tuple(draw(residual(p, q), draw_number), false);
}

std::vector<int64_t> speculate(const torch::Tensor& p, const torch::Tensor& q,
                               const std::vector<int64_t>& drafts,
                               const torch::Tensor& keep_numbers,
                               const torch::Tensor& draw_numbers) {
  const auto n = static_cast<int64_t>(drafts.size());
  const auto ids = torch::tensor(drafts, torch::kLong).unsqueeze(1);                     // [n, 1]
  const auto ratios = (p.narrow(0, 0, n).gather(1, ids) / q.gather(1, ids)).squeeze(1);  // [n]
  const int64_t kept = (keep_numbers < ratios).to(torch::kLong).cumprod(0).sum().item<int64_t>();
  const auto padded =
      torch::cat({q, torch::zeros_like(p.narrow(0, n, 1))});  // the residual of p and 0 is p
  std::vector<int64_t> tokens = drafts;
  tokens.resize(static_cast<size_t>(kept));
  tokens.push_back(draw(residual(p[kept], padded[kept]), draw_numbers[kept].item<double>()));
  return tokens;
}
