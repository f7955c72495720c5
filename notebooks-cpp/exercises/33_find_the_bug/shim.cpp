// The faulty models. Whoever reads on spoils the exercise.
#include <ATen/CPUGeneratorImpl.h>

#include "notebooks-cpp/exercises/33_find_the_bug/find_the_bug.h"
#include "notebooks-cpp/exercises/grader/shim.h"

namespace {

using exercises::Value;
using exercises::Values;

Attention attention(const std::string& fault, double number) {
  torch::Generator generator = at::make_generator<at::CPUGeneratorImpl>(33);
  return [=](const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v) mutable {
    const int64_t T = q.size(0), S = k.size(0);
    auto scores = q.matmul(k.t()) / std::sqrt(static_cast<double>(q.size(1)));
    if (fault == "wrong-scale") scores = scores * number;
    const int64_t ahead = fault == "mask-too-far" ? static_cast<int64_t>(number) : 0;
    const auto hidden = torch::ones({T, S}, torch::kBool).tril(ahead + S - T).logical_not();
    if (fault == "mask-after-softmax")
      return torch::softmax(scores, -1).masked_fill(hidden, 0.0).matmul(v);
    auto weights = torch::softmax(scores.masked_fill(hidden, -INFINITY), -1);
    if (fault == "dropout-on") {
      const auto kept = torch::rand(weights.sizes(), generator) >= number;
      weights = weights * kept / (1 - number);
    }
    return weights.matmul(v);
  };
}

Loss loss(const std::string& fault, double number) {
  return [=](const torch::Tensor& logits, const torch::Tensor& given) {
    const int64_t T = given.size(0);
    auto targets = given;
    if (fault == "targets-shifted") {
      const auto n = static_cast<int64_t>(number);
      targets = torch::full_like(given, -100);
      const int64_t rows = std::max<int64_t>(0, T - std::abs(n));
      targets.narrow(0, std::max<int64_t>(0, -n), rows)
          .copy_(given.narrow(0, std::max<int64_t>(0, n), rows));
    }
    const auto counted = targets.ne(-100);
    const auto logs = torch::log_softmax(logits, -1);
    const double spread = fault == "smoothing-on" ? number : 0;
    const auto own = logs.gather(-1, targets.clamp_min(0).unsqueeze(-1)).squeeze(-1);
    const auto rows = -((1 - spread) * own + spread * logs.mean(-1));
    const auto sum = rows.masked_fill(counted.logical_not(), 0.0).sum();
    if (fault == "sum-for-mean") return sum;
    if (fault == "pads-counted") return sum / static_cast<double>(T);
    return sum / counted.sum();
  };
}

Training training(const std::string& fault, double number) {
  return [=](const torch::Tensor& start, const Gradient& gradient, double rate, int64_t steps) {
    torch::NoGradGuard no_grad;
    std::vector<torch::Tensor> path{start.clone()};
    auto kept = torch::zeros_like(start);
    for (int64_t n = 0; n < steps; ++n) {
      const auto& weights = path.back();
      auto step = gradient(weights).clone();
      if (fault == "gradients-not-zeroed") step = kept = kept + step;
      if (fault == "gradients-clipped") {
        const double norm = step.norm().item<double>();
        if (norm > number) step = step * (number / norm);
      }
      if (fault == "weights-decay") step = step + number * weights;
      if (fault == "weight-frozen" && number < static_cast<double>(step.size(0)))
        step[static_cast<int64_t>(number)] = 0;
      path.push_back(weights - rate * step);
    }
    return torch::stack(path);
  };
}

}  // namespace

EXERCISE_SHIM({"attention_fault",
               [](const Values& in) -> Value {
                 return attention_fault(attention(in.at(0).toStringRef(), in.at(1).toDouble()));
               }},
              {"loss_fault",
               [](const Values& in) -> Value {
                 return loss_fault(loss(in.at(0).toStringRef(), in.at(1).toDouble()));
               }},
              {"training_fault", [](const Values& in) -> Value {
                 return training_fault(training(in.at(0).toStringRef(), in.at(1).toDouble()));
               }})
