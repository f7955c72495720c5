// Another way: each half by its formula; no angle is kept twice.
#include "notebooks-cpp/exercises/07_rotary/rotary.h"

torch::Tensor rotary_frequencies(int64_t head_width, double base) {
  const auto i = torch::arange(head_width / 2).to(torch::kDouble);
  return torch::exp(i * (-2 * std::log(base) / head_width)).to(torch::kFloat);
}

std::tuple<torch::Tensor, torch::Tensor> rotation(const torch::Tensor& positions,
                                                  const torch::Tensor& frequencies) {
  const auto angles = torch::outer(positions.flatten().to(torch::kFloat), frequencies);
  const auto shaped = angles.view({positions.size(0), 1, positions.size(1), -1});
  return {torch::cat({shaped.cos(), shaped.cos()}, -1),
          torch::cat({shaped.sin(), shaped.sin()}, -1)};
}

torch::Tensor rotate(const torch::Tensor& x, const torch::Tensor& cos, const torch::Tensor& sin) {
  const int64_t n = cos.size(-1) / 2;
  const auto c = cos.slice(-1, 0, n), s = sin.slice(-1, 0, n);
  const auto a = x.slice(-1, 0, n), b = x.slice(-1, n, 2 * n);
  auto y = x.clone();
  y.slice(-1, 0, n).copy_(a * c - b * s);
  y.slice(-1, n, 2 * n).copy_(b * c + a * s);
  return y;
}

torch::Tensor rotary_scores(const torch::Tensor& q, const torch::Tensor& k,
                            const torch::Tensor& q_positions, const torch::Tensor& k_positions,
                            double base) {
  const auto turned = [&](const torch::Tensor& x, const torch::Tensor& positions) {
    const auto [cos, sin] = rotation(positions, rotary_frequencies(x.size(-1), base));
    return rotate(x, cos, sin) * std::pow(x.size(-1), -0.25);
  };
  return torch::einsum("bhtd,bhsd->bhts", {turned(q, q_positions), turned(k, k_positions)});
}
