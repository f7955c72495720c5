// Gradients against finite differences: the oracle that needs to know nothing about the formula.
#pragma once
#include <ATen/ops/empty_like.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

namespace zoo::testing {

/// Compares d loss / d input by autograd with (loss(x + h) - loss(x - h)) / 2h for the inputs
/// (float64 leaves that require gradients). At most `entries` places per input are tried, spread
/// evenly.
inline void expect_gradients_match_differences(const std::function<torch::Tensor()>& loss,
                                               const std::vector<torch::Tensor>& inputs,
                                               int64_t entries = 64, double tolerance = 1e-6) {
  const auto gradients = torch::autograd::grad({loss()}, inputs, {}, {}, false, true);
  const torch::NoGradGuard no_grad;
  constexpr double kStep = 1e-5;
  for (size_t n = 0; n < inputs.size(); ++n) {
    ASSERT_EQ(inputs[n].scalar_type(), torch::kDouble);
    ASSERT_TRUE(gradients[n].defined()) << "input " << n << " does not reach the loss";
    const auto gradient = gradients[n].reshape({-1});
    auto flat = inputs[n].view({-1});
    const int64_t stride = std::max<int64_t>(1, flat.numel() / entries);
    for (int64_t i = 0; i < flat.numel(); i += stride) {
      const double x = flat[i].item<double>();
      flat[i].fill_(x + kStep);
      const double above = loss().item<double>();
      flat[i].fill_(x - kStep);
      const double below = loss().item<double>();
      flat[i].fill_(x);
      const double wanted = (above - below) / (2 * kStep);
      EXPECT_NEAR(gradient[i].item<double>(), wanted, tolerance * std::max(1.0, std::abs(wanted)))
          << "input " << n << ", entry " << i;
    }
  }
}

/// The message of the c10::Error that `f` throws, without its backtrace; fails where there is none
/// or where the message is longer than a line.
inline std::string torch_error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const c10::Error& error) {
    const std::string message = error.what_without_backtrace();
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    return message;
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

}  // namespace zoo::testing
