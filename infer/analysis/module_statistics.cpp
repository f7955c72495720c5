#include "infer/analysis/module_statistics.h"

#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <utility>

#include "base/text_table.h"
#include "infer/analysis/module_watch.h"
#include "models/layers/activate.h"
#include "models/layers/feed_forward.h"

namespace zoo {
namespace {

double rms_of(const torch::Tensor& values) {
  return values.detach().to(torch::kDouble).square().mean().sqrt().item<double>();
}

/// "blocks.0.norm.weight" -> "blocks.0.norm"
std::string module_name(const std::string& weight) {
  constexpr std::string_view kSuffix = ".weight";
  return weight.ends_with(kSuffix) ? weight.substr(0, weight.size() - kSuffix.size()) : weight;
}

/// "blocks.0.norm" -> "blocks.norm"
std::string without_numbers(const std::string& name) {
  std::string kind;
  for (size_t begin = 0; begin < name.size();) {
    const size_t end = std::min(name.find('.', begin), name.size());
    const std::string part = name.substr(begin, end - begin);
    if (!std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; }))
      kind += (kind.empty() ? "" : ".") + part;
    begin = end + 1;
  }
  return kind;
}

/// x: what enters the activation. Share of entries where it is flat.
double flat_share(const torch::Tensor& x, Activation activation) {
  auto input =
      (is_gated(activation) ? x.chunk(2, -1)[0] : x).contiguous().detach().requires_grad_();
  const torch::AutoGradMode with_gradients(true);
  const auto y = activate(input, gate_of(activation));
  const auto slope = torch::autograd::grad({y.sum()}, {input})[0];
  return slope.abs().lt(0.01).to(torch::kDouble).mean().item<double>();
}

/// Activations by the name of the weight whose output enters them.
std::map<std::string, Activation> activations_of(const torch::nn::Module& model) {
  std::map<std::string, Activation> activations;
  for (const auto& module : model.named_modules())
    if (const auto* network = module.value()->as<FeedForwardImpl>())
      activations[module.key() + ".in_proj.weight"] = network->options.activation;
  return activations;
}

struct Weights {
  std::vector<std::string> names;  // without biases
  std::vector<torch::Tensor> values;
};

Weights weights_of(const torch::nn::Module& model) {
  Weights weights;
  for (const auto& parameter : model.named_parameters()) {
    const bool seen = std::ranges::any_of(
        weights.values, [&](const auto& value) { return value.is_same(parameter.value()); });
    if (seen || parameter.key().ends_with("bias")) continue;
    weights.names.push_back(parameter.key());
    weights.values.push_back(parameter.value());
  }
  return weights;
}

/// None where there is no loss, 0 where it does not depend on the weight.
std::vector<std::optional<double>> gradient_rms(const torch::Tensor& loss,
                                                const std::vector<torch::Tensor>& at) {
  if (!loss.defined()) return std::vector<std::optional<double>>(at.size());
  std::vector<std::optional<double>> result;
  for (const auto& gradient : torch::autograd::grad({loss}, at, {}, {}, false, true))
    result.emplace_back(gradient.defined() ? rms_of(gradient) : 0);
  return result;
}

using Measure = std::optional<double> (*)(const ModuleStatistics&);

/// The median of the others' values; NaN where there is none.
double usual(const std::vector<ModuleStatistics>& all, const ModuleStatistics& one,
             Measure measure) {
  std::vector<double> others;
  for (const auto& other : all)
    if (const auto value = measure(other);
        &other != &one && other.kind == one.kind && value && std::isfinite(*value))
      others.push_back(*value);
  if (others.empty()) return std::numeric_limits<double>::quiet_NaN();
  return median(std::move(others));
}

std::optional<double> output_of(const ModuleStatistics& one) {
  return one.output ? std::optional(one.output->rms) : std::nullopt;
}
std::optional<double> gradient_of(const ModuleStatistics& one) { return one.gradient_rms; }

void mark(std::vector<ModuleStatistics>& all) {
  for (auto& one : all) {
    const auto judge = [&](const char* what, Measure measure) {
      const auto here = measure(one);
      if (!here) return;
      const double there = usual(all, one, measure);
      if (!std::isfinite(*here) || *here > kUsualFactor * there) {
        one.marks.push_back(std::string("exploding ") + what);
      } else if (*here == 0 || *here < there / kUsualFactor) {
        one.marks.push_back(std::string("vanishing ") + what);
      }
    };
    judge("output", output_of);
    judge("gradient", gradient_of);
  }
}

}  // namespace

ValueStatistics statistics_of(const torch::Tensor& values) {
  const auto x = values.detach().to(torch::kDouble);
  const double mean = x.mean().item<double>();
  return {.mean = mean,
          .std = (x - mean).square().mean().sqrt().item<double>(),
          .rms = rms_of(x),
          .zeros = x.eq(0).to(torch::kDouble).mean().item<double>(),
          .largest = x.abs().max().item<double>()};
}

std::vector<ModuleStatistics> module_statistics(const torch::nn::Module& model,
                                                const std::function<torch::Tensor()>& loss) {
  const torch::AutoGradMode with_gradients(true);
  torch::Tensor value;
  const auto outputs = watch_modules(model, [&] { value = loss(); });
  const Weights weights = weights_of(model);
  const auto gradients = gradient_rms(value, weights.values);
  const auto activations = activations_of(model);
  std::vector<ModuleStatistics> all;
  std::map<std::string, int64_t> uses;
  const auto add = [&](const std::string& weight, const std::string& reader) -> auto& {
    const auto at =
        static_cast<size_t>(std::ranges::find(weights.names, weight) - weights.names.begin());
    ModuleStatistics one{.module = module_name(weight), .weight_rms = rms_of(weights.values[at])};
    one.kind = without_numbers(one.module) + " by " + reader;
    one.gradient_rms = gradients[at];
    const int64_t use = ++uses[weight];
    if (use > 1) one.module += ", use " + std::to_string(use);
    return all.emplace_back(std::move(one));
  };
  for (const auto& seen : outputs) {
    auto& one = add(seen.weight, seen.reader);
    one.output = statistics_of(seen.output);
    if (const auto found = activations.find(seen.weight); found != activations.end())
      one.saturated = flat_share(seen.output, found->second);
  }
  for (const auto& name : weights.names)
    if (!uses.contains(name)) add(name, "none");
  mark(all);
  return all;
}

}  // namespace zoo
