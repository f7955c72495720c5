#include "infer/analysis/layer_probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <stdexcept>

#include "infer/analysis/logistic_regression.h"
#include "models/batching/random.h"

namespace zoo {
namespace {

constexpr int64_t kFewest = 8;

std::vector<int64_t> values_of(const torch::Tensor& ids) {
  const auto flat = ids.to(torch::kLong).contiguous();
  return {flat.data_ptr<int64_t>(), flat.data_ptr<int64_t>() + flat.numel()};
}

struct Split {
  torch::Tensor fitted, held_out;  // indices of examples
};

Split split(const ProbeExamples& examples, const ProbeOptions& options) {
  const auto groups = values_of(examples.groups);
  const std::set<int64_t> distinct(groups.begin(), groups.end());
  std::vector<int64_t> order(distinct.begin(), distinct.end());
  auto random = generator_for({options.seed, 0});
  shuffle(order, random);
  const auto count = static_cast<size_t>(
      std::clamp<double>(std::round(options.held_out * static_cast<double>(order.size())), 1,
                         static_cast<double>(order.size()) - 1));
  const std::set<int64_t> away(order.begin(), order.begin() + static_cast<int64_t>(count));
  std::vector<int64_t> fitted, held_out;
  for (size_t i = 0; i < groups.size(); ++i)
    (away.contains(groups[i]) ? held_out : fitted).push_back(static_cast<int64_t>(i));
  return {torch::tensor(fitted, torch::kLong), torch::tensor(held_out, torch::kLong)};
}

void check(const ProbeExamples& examples, const ProbeOptions& options) {
  if (!(options.held_out > 0 && options.held_out < 1)) {
    throw std::invalid_argument(fmt::format(
        "--held-out must be a share between 0 and 1, as 0.25, got {}", options.held_out));
  }
  const auto labels = values_of(examples.labels), groups = values_of(examples.groups);
  if (std::ssize(labels) < kFewest) {
    throw std::runtime_error(
        fmt::format("{} examples are too few for a probe; give {} or more, and better hundreds",
                    labels.size(), kFewest));
  }
  if (std::set<int64_t>(labels.begin(), labels.end()).size() < 2) {
    throw std::runtime_error(
        fmt::format("all examples have the label '{}'; a probe tells two or more apart",
                    examples.names[static_cast<size_t>(labels[0])]));
  }
  if (std::set<int64_t>(groups.begin(), groups.end()).size() < 2)
    throw std::runtime_error("all examples are one group, so none can be held out; give more");
}

void require_each_label(const ProbeExamples& examples, const Split& parts) {
  const auto all = values_of(examples.labels);
  const auto fitted = values_of(examples.labels.index_select(0, parts.fitted));
  const std::set<int64_t> known(fitted.begin(), fitted.end());
  for (const int64_t label : all) {
    if (known.contains(label)) continue;
    throw std::runtime_error(fmt::format(
        "the label '{}' is among the held-out examples only; give more of it, or another --seed",
        examples.names[static_cast<size_t>(label)]));
  }
}

/// A label for each identity, drawn from the labels that the examples have.
torch::Tensor random_labels(const ProbeExamples& examples, uint64_t seed) {
  const auto labels = values_of(examples.labels), identities = values_of(examples.identities);
  auto random = generator_for({seed, 1});
  std::map<int64_t, int64_t> drawn;
  std::vector<int64_t> result;
  for (const int64_t identity : identities) {
    auto [place, is_new] = drawn.try_emplace(identity, 0);
    if (is_new) place->second = labels[random() % labels.size()];
    result.push_back(place->second);
  }
  return torch::tensor(result, torch::kLong);
}

double share_of(const torch::Tensor& right) {
  return right.to(torch::kDouble).mean().item<double>();
}

/// Shares of right answers: of the fitted examples, of the held-out ones.
std::pair<double, double> fit_and_judge(const torch::Tensor& x, const torch::Tensor& labels,
                                        const Split& parts, const LogisticOptions& options) {
  const LabelledFeatures fitted{x.index_select(0, parts.fitted),
                                labels.index_select(0, parts.fitted)};
  const auto weights = fit_logistic(fitted, options);
  const auto right = logistic_classes(x, weights).eq(labels);  // [N]
  return {share_of(right.index_select(0, parts.fitted)),
          share_of(right.index_select(0, parts.held_out))};
}

/// Mean 0 and deviation 1 over the fitted examples; a feature that is the same in all of them is 0.
torch::Tensor standardised(const torch::Tensor& x, const torch::Tensor& fitted) {
  const auto known = x.index_select(0, fitted);
  const auto mean = known.mean(0, true), std = known.std(0, false, true);  // [1, C]
  const auto varies = std.gt(1e-9 * (1 + mean.abs()));
  return torch::where(varies, (x - mean) / std, torch::zeros({}, x.options()));
}

}  // namespace

ProbeResult probe_layers(const ProbeExamples& examples, const ProbeOptions& options) {
  check(examples, options);
  const Split parts = split(examples, options);
  require_each_label(examples, parts);
  const auto control = random_labels(examples, options.seed);
  const LogisticOptions fit{.classes = std::ssize(examples.names), .decay = options.decay};
  const auto counts = torch::bincount(examples.labels.index_select(0, parts.fitted));
  ProbeResult result{
      .majority = share_of(examples.labels.index_select(0, parts.held_out).eq(counts.argmax())),
      .fitted = parts.fitted.size(0),
      .held_out = parts.held_out.size(0)};
  for (const auto& features : examples.features) {
    const auto x = with_bias(standardised(features, parts.fitted));  // [N, C + 1]
    LayerProbe layer;
    std::tie(layer.fitted, layer.accuracy) = fit_and_judge(x, examples.labels, parts, fit);
    std::tie(layer.control_fitted, layer.control) = fit_and_judge(x, control, parts, fit);
    result.layers.push_back(layer);
  }
  return result;
}

}  // namespace zoo
