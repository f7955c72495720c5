// Sums on the device; shares and means when somebody reads them.
#include "models/experts/expert_statistics.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace zoo {
namespace {

thread_local ExpertStatistics* newest_statistics = nullptr;

std::vector<double> values_of(const torch::Tensor& t) {
  const auto dense = t.cpu().contiguous();  // [E] double
  const double* begin = dense.const_data_ptr<double>();
  return {begin, begin + dense.numel()};
}

void add(torch::Tensor& sum, const torch::Tensor& value) {
  sum = sum.defined() ? sum + value : value;
}

}  // namespace

ExpertStatistics::ExpertStatistics() : outer_(newest_statistics) { newest_statistics = this; }

ExpertStatistics::~ExpertStatistics() { newest_statistics = outer_; }

ExpertStatistics::Pause::Pause() : paused_(std::exchange(newest_statistics, nullptr)) {}

ExpertStatistics::Pause::~Pause() { newest_statistics = paused_; }

ExpertStatistics* ExpertStatistics::current() { return newest_statistics; }

void ExpertStatistics::record(const void* layer, const Routing& routing,
                              const ExpertGroups& groups) {
  const torch::NoGradGuard no_grad;
  auto found = std::find_if(sums_.begin(), sums_.end(),
                            [&](const Sums& sums) { return sums.layer == layer; });
  if (found == sums_.end()) found = sums_.insert(found, Sums{.layer = layer});
  const auto p = routing.probabilities.to(torch::kDouble);  // [N, E]
  const auto count = [&](int64_t n) { return torch::full({}, n, p.options()); };
  add(found->tokens, count(p.size(0)));
  add(found->choices, count(routing.chosen.numel()));
  add(found->wanted, groups.wanted.to(torch::kDouble));
  add(found->kept, torch::tensor(groups.sizes, torch::kLong).to(p.options()));
  add(found->probabilities, p.sum(0));
  add(found->entropy, torch::special_entr(p).sum());  // -p log p, and 0 where p is
}

void ExpertStatistics::sum_over(const std::function<void(const std::vector<torch::Tensor>&)>& sum) {
  for (const Sums& sums : sums_) {
    sum({sums.tokens, sums.choices, sums.wanted, sums.kept, sums.probabilities, sums.entropy});
  }
}

std::vector<ExpertLoad> ExpertStatistics::layers() const {
  std::vector<ExpertLoad> layers;
  for (const Sums& sums : sums_) {
    const double tokens = std::max(1.0, sums.tokens.item<double>());
    const double choices = std::max(1.0, sums.choices.item<double>());
    layers.push_back({.tokens = std::llround(sums.tokens.item<double>()),
                      .share = values_of(sums.wanted / choices),
                      .dropped = values_of((sums.wanted - sums.kept) / sums.wanted.clamp_min(1)),
                      .probability = values_of(sums.probabilities / tokens),
                      .entropy = sums.entropy.item<double>() / tokens});
  }
  return layers;
}

std::map<std::string, double> ExpertStatistics::means() const {
  const auto loads = layers();
  const auto L = static_cast<double>(loads.size());
  std::map<std::string, double> means;
  for (const ExpertLoad& load : loads) {
    const auto E = static_cast<double>(load.share.size());
    const double dropped =
        std::inner_product(load.share.begin(), load.share.end(), load.dropped.begin(), 0.0);
    means["expert_dropped"] += dropped / L;
    means["expert_busiest"] += E * *std::max_element(load.share.begin(), load.share.end()) / L;
    means["router_entropy"] += load.entropy / L;
  }
  return means;
}

}  // namespace zoo
