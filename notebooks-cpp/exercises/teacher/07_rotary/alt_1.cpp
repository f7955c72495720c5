// Another way: pairs as complex numbers, and the relative angle in the scores.
#include "notebooks-cpp/exercises/07_rotary/rotary.h"

torch::Tensor rotary_frequencies(int64_t head_width, double base) {
  std::vector<float> found;
  for (int64_t i = 0; i < head_width / 2; ++i)
    found.push_back(static_cast<float>(1 / std::pow(base, 2.0 * i / head_width)));
  return torch::tensor(found);
}

std::tuple<torch::Tensor, torch::Tensor> rotation(const torch::Tensor& positions,
                                                  const torch::Tensor& frequencies) {
  const auto angles = torch::einsum("bt,n->btn", {positions.to(torch::kFloat), frequencies});
  const auto twice = angles.repeat({1, 1, 2}).unsqueeze(1);
  return {torch::cos(twice), torch::sin(twice)};
}

torch::Tensor rotate(const torch::Tensor& x, const torch::Tensor& cos, const torch::Tensor& sin) {
  const int64_t n = cos.size(-1) / 2;
  const auto turn = torch::complex(cos.narrow(-1, 0, n), sin.narrow(-1, 0, n));
  const auto pairs = torch::complex(x.narrow(-1, 0, n), x.narrow(-1, n, n)) * turn;
  return torch::cat({torch::real(pairs), torch::imag(pairs), x.slice(-1, 2 * n)}, -1);
}

torch::Tensor rotary_scores(const torch::Tensor& q, const torch::Tensor& k,
                            const torch::Tensor& q_positions, const torch::Tensor& k_positions,
                            double base) {
  const int64_t Dh = q.size(-1), n = Dh / 2;
  const auto apart = (q_positions.unsqueeze(2) - k_positions.unsqueeze(1)).to(torch::kFloat);
  const auto angles = apart.unsqueeze(-1) * rotary_frequencies(Dh, base);  // [B, T, S, n]
  const auto complex = [&](const torch::Tensor& t) {
    return torch::complex(t.narrow(-1, 0, n), t.narrow(-1, n, n));
  };
  // q times the conjugate of k, for each pair of numbers: [B, H, T, S, n]
  const auto products = complex(q).unsqueeze(3) * complex(k).conj().unsqueeze(2);
  const auto turn = torch::complex(angles.cos(), angles.sin()).unsqueeze(1);
  return torch::real((products * turn).sum(-1)) / std::sqrt(static_cast<double>(Dh));
}
