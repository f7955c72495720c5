// Retention against the paper's parallel formula, written with complex numbers as in the paper.
#include "models/mixers/retention.h"

#include <gtest/gtest.h>
#include <torch/nn/functional/activation.h>

#include <cmath>

namespace zoo {
namespace {

TEST(RetentionTest, EachHeadHasItsDecay) {
  const auto gamma = retention_log_decays(3).exp();  // Eq. 8: 1 - 1/32, 1 - 1/64, 1 - 1/128
  EXPECT_TRUE(torch::allclose(
      gamma, torch::tensor({31.0 / 32, 63.0 / 64, 127.0 / 128}, torch::kDouble), 1e-12));
}

TEST(RetentionTest, IsThePapersParallelForm) {
  torch::manual_seed(4);
  const int64_t T = 9, C = 8, H = 2, Dk = 4, Dv = 8;
  RetentionMixer layer({.d_model = C, .heads = H, .chunk = 4});
  layer.to(torch::kDouble);
  const auto x = torch::randn({1, T, C}, torch::kDouble);
  const auto parts = layer.in_proj(x)[0].split_with_sizes({C, C, 2 * C, 2 * C}, -1);
  const auto n = torch::arange(T, torch::kDouble);
  // Theta of Eq. 5: coordinate i and i + Dk/2 are one complex number.
  const auto theta = torch::pow(10000.0, -torch::arange(Dk / 2, torch::kDouble) * 2.0 / Dk);
  const auto angle = n.unsqueeze(1) * theta;  // [T, Dk / 2]
  const auto turn = torch::polar(torch::ones_like(angle), angle);
  std::vector<torch::Tensor> heads;
  for (int64_t h = 0; h < H; ++h) {
    const auto complex = [&](const torch::Tensor& t) {
      const auto halves = t.narrow(1, h * Dk, Dk).chunk(2, 1);
      return torch::complex(halves[0].contiguous(), halves[1].contiguous()) * turn;  // [T, Dk / 2]
    };
    const auto scores =
        torch::real(torch::matmul(complex(parts[0]), complex(parts[1]).conj().transpose(0, 1)));
    const double gamma = 1.0 - std::pow(2.0, -5.0 - static_cast<double>(h));
    const auto distance = n.unsqueeze(1) - n.unsqueeze(0);
    const auto D = torch::pow(gamma, distance).tril();  // Eq. 5
    const auto y = torch::matmul(scores * D / std::sqrt(static_cast<double>(Dk)),
                                 parts[2].narrow(1, h * Dv, Dv));
    heads.push_back(y * torch::rsqrt(y.square().mean(1, true) + 1e-5));
  }
  const auto wanted = layer.out_proj(torch::cat(heads, 1) * torch::silu(parts[3]));
  // Angles are computed in float32.
  EXPECT_TRUE(torch::allclose(layer.forward(x)[0], wanted, 1e-5, 1e-6));
}

}  // namespace
}  // namespace zoo
