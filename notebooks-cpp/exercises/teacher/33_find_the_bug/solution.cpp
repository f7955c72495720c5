// Exercise 33: find the bug. What to write: README.md beside this file. Grade it: scripts/grade.sh 33
#include "notebooks-cpp/exercises/33_find_the_bug/find_the_bug.h"

static bool differ(double a, double b) { return std::abs(a - b) > 1e-4; }

// attention to examine -> the fault's name and its number
Finding attention_fault(const Attention& attend) {
  // BEGIN SOLUTION 33.1 (4)
  const int64_t T = 40;
  const auto equal = torch::zeros({T, 1});
  const auto map = attend(equal, equal, torch::eye(T));  // [T, T]: weights of equal scores
  const auto last = map[T - 1];                          // healthy: 1 / T everywhere
  if ((last == 0).any().item<bool>())
    return {"dropout-on", 1 - 1 / (T * last.max().item<double>())};
  const int64_t ahead = (map[0] > 0).sum().item<int64_t>() - 1;
  if (ahead > 0) return {"mask-too-far", static_cast<double>(ahead)};
  const auto five = attend(equal.narrow(0, 0, 5), equal.narrow(0, 0, 5), torch::eye(5));
  const double sum = five[0].sum().item<double>();
  if (differ(sum, 1)) return {"mask-after-softmax", sum};
  // Two keys whose scores should differ by 1: so do the logarithms of their weights.
  const auto keys = torch::tensor({{1.0f}, {0.0f}});
  const auto pair = attend(torch::ones({2, 1}), keys, torch::eye(2))[1].log();
  const double scale = (pair[0] - pair[1]).item<double>();
  if (differ(scale, 1)) return {"wrong-scale", scale};
  return {"healthy", 0};
  // END SOLUTION
}

// loss to examine -> the fault's name and its number
Finding loss_fault(const Loss& loss) {
  // BEGIN SOLUTION 33.2 (3)
  const int64_t T = 10, V = 16;
  const auto logits = torch::zeros({T, V}).requires_grad_(true), twice = torch::zeros({2 * T, V});
  const auto targets = torch::arange(T), pads = torch::full({T}, -100);
  const auto once = loss(logits, targets);
  const auto gradient = torch::autograd::grad({once}, {logits})[0];
  // Descent raises the logit of the target, so its gradient is the lowest of the row.
  const int64_t shift = gradient[T / 2].argmin().item<int64_t>() - T / 2;
  if (shift != 0) return {"targets-shifted", static_cast<double>(shift)};
  const double doubled = (loss(twice, torch::cat({targets, targets})) / once).item<double>();
  if (differ(doubled, 1)) return {"sum-for-mean", doubled};
  const double padded = (loss(twice, torch::cat({targets, pads})) / once).item<double>();
  if (differ(padded, 1)) return {"pads-counted", padded};
  const double other = gradient[0][V - 1].item<double>();  // healthy: 1 / V / T
  if (differ(other * V * T, 1)) return {"smoothing-on", 1 - other * V * T};
  return {"healthy", 0};
  // END SOLUTION
}

// training loop to examine -> the fault's name and its number
Finding training_fault(const Training& train) {
  // BEGIN SOLUTION 33.3 (3)
  const double rate = 0.5, slope = 100;
  const auto steep = [&](const torch::Tensor& w) { return torch::full_like(w, slope); };
  const auto path = train(torch::zeros({8}), steep, rate, 3);
  const auto steps = (path.slice(0, 0, 3) - path.slice(0, 1, 4)) / rate;  // [3, 8], healthy: slope
  if ((steps[0] == 0).any().item<bool>())
    return {"weight-frozen", steps[0].argmin().item<double>()};
  const double norm = steps[0].norm().item<double>(), grown = steps[2].norm().item<double>() / norm;
  if (norm < slope) return {"gradients-clipped", norm};
  const auto flat = [](const torch::Tensor& w) { return torch::zeros_like(w); };
  const double lost = 1 - train(torch::ones({8}), flat, rate, 1)[1][0].item<double>();
  if (differ(lost, 0)) return {"weights-decay", lost / rate};
  if (differ(grown, 1)) return {"gradients-not-zeroed", grown};
  return {"healthy", 0};
  // END SOLUTION
}
