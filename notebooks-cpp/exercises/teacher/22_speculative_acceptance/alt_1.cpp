// Another way: plain numbers, and the number of accepted drafts first.
#include "notebooks-cpp/exercises/22_speculative_acceptance/speculative_acceptance.h"

torch::Tensor residual(const torch::Tensor& p, const torch::Tensor& q) {
  if (torch::equal(p, q)) return p.clone();
  auto left = torch::maximum(p, q) - q;
  return left.div(left.sum());
}

std::tuple<int64_t, bool> accept_or_resample(const torch::Tensor& p, const torch::Tensor& q,
                                             int64_t draft, double keep_number,
                                             double draw_number) {
  const bool accepted = keep_number * q[draft].item<double>() < p[draft].item<double>();
  return {accepted ? draft : draw(residual(p, q), draw_number), accepted};
}

std::vector<int64_t> speculate(const torch::Tensor& p, const torch::Tensor& q,
                               const std::vector<int64_t>& drafts,
                               const torch::Tensor& keep_numbers,
                               const torch::Tensor& draw_numbers) {
  size_t kept = 0;
  const auto at = [](const torch::Tensor& numbers, size_t i) {
    return numbers[static_cast<int64_t>(i)].item<double>();
  };
  while (kept < drafts.size()) {
    const auto row = static_cast<int64_t>(kept);
    const double ratio = (p[row][drafts[kept]] / q[row][drafts[kept]]).item<double>();
    if (at(keep_numbers, kept) >= ratio) break;
    ++kept;
  }
  std::vector<int64_t> tokens(drafts.begin(), drafts.begin() + static_cast<std::ptrdiff_t>(kept));
  const auto row = static_cast<int64_t>(kept);
  const auto left = kept < drafts.size() ? residual(p[row], q[row]) : p[row];
  tokens.push_back(draw(left, at(draw_numbers, kept)));
  return tokens;
}
