#include "notebooks-cpp/exercises/grader/diagnose.h"

#include <torch/autograd.h>
#include <torch/types.h>

#include <algorithm>
#include <iterator>
#include <limits>

#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises {
namespace {

constexpr double kExplains = 1e-4, kTellsApart = 10;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

Probe in_double(Probe probe) {
  for (Value& argument : probe.arguments)
    argument = map_tensors(exercises::in_double(argument),
                           [](const auto& tensor) { return tensor.clone(); });
  return probe;
}

Value gradients(const Exercise& exercise, const Probe& probe, const Faults& faults,
                const std::vector<at::Tensor>& upstream) {
  std::vector<torch::Tensor> inputs;
  for (const Value& argument : probe.arguments)
    for (auto tensor : floats_of(argument)) inputs.push_back(tensor.requires_grad_(true));
  std::vector<torch::Tensor> outputs, given;
  const auto results = floats_of(exercise.reference(probe, faults));
  for (size_t n = 0; n < results.size(); ++n) {
    if (!results[n].requires_grad()) continue;
    outputs.push_back(results[n]);
    given.push_back(upstream.at(n).to(torch::kDouble));
  }
  Values found;
  const auto grads = torch::autograd::grad(outputs, inputs, given, {}, false, true);
  for (size_t n = 0; n < inputs.size(); ++n)
    found.emplace_back(grads[n].defined() ? grads[n] : torch::zeros_like(inputs[n]));
  return c10::ivalue::Tuple::create(std::move(found));
}

/// How well faults explain the answers: the largest distance on any call.
double misfit(const Exercise& exercise, const std::vector<Observation>& observations,
              const Faults& faults) {
  double largest = 0;
  for (const auto& observation : observations) {
    try {
      largest =
          std::max(largest, distance(predict(exercise, observation, faults), observation.answer));
    } catch (const std::exception&) {
      return kInfinity;
    }
    if (largest == kInfinity) break;
  }
  return largest;
}

struct Candidate {
  std::vector<std::string_view> names = {};
  double misfit = kInfinity;
};

std::vector<Candidate> candidates(const Exercise& exercise,
                                  const std::vector<Observation>& observations) {
  std::vector<Candidate> all;
  for (const Fault& fault : exercise.faults) all.push_back({{fault.name}});
  for (size_t a = 0; a < exercise.faults.size(); ++a)
    for (size_t b = a + 1; b < exercise.faults.size(); ++b)
      if (!exercise.faults[a].alone && !exercise.faults[b].alone)
        all.push_back({{exercise.faults[a].name, exercise.faults[b].name}});
  for (auto& candidate : all)
    candidate.misfit = misfit(exercise, observations, Faults(candidate.names));
  // One mistake before two that explain the same.
  std::stable_sort(all.begin(), all.end(), [](const Candidate& a, const Candidate& b) {
    if (a.misfit <= kExplains && b.misfit <= kExplains) return a.names.size() < b.names.size();
    return a.misfit < b.misfit;
  });
  return all;
}

std::string evidence(const Exercise& exercise, const std::vector<Observation>& observations,
                     std::string_view name) {
  for (const Fault& fault : exercise.faults) {
    if (fault.name != name || !fault.seen) continue;
    for (const auto& observation : observations)
      if (observation.upstream.empty() && misfit(exercise, {observation}, {}) > kExplains)
        return fault.seen(observation.probe, observation.answer);
  }
  return {};
}

}  // namespace

Value predict(const Exercise& exercise, const Observation& observation, const Faults& faults) {
  const Probe probe = in_double(observation.probe);
  if (!observation.upstream.empty())
    return gradients(exercise, probe, faults, observation.upstream);
  return exercise.reference(probe, faults);
}

Diagnosis diagnose(const Exercise& exercise, const std::vector<Observation>& all) {
  const auto wrong = std::find_if(all.begin(), all.end(), [&](const auto& observation) {
    return misfit(exercise, {observation}, {}) > kExplains;
  });
  if (wrong == all.end() || exercise.faults.empty()) return {};
  std::vector<Observation> observations;
  std::copy_if(
      all.begin(), all.end(), std::back_inserter(observations),
      [&](const auto& observation) { return observation.probe.function == wrong->probe.function; });
  const auto ranked = candidates(exercise, observations);
  const Candidate& best = ranked.front();
  if (best.misfit > kExplains) return {};
  // Another mistake that explains nearly as much leaves the question open.
  for (size_t n = 1; n < ranked.size(); ++n)
    if (ranked[n].names.size() <= best.names.size() &&
        ranked[n].misfit < kTellsApart * std::max(best.misfit, kExplains / 10))
      return {};
  Diagnosis diagnosis;
  diagnosis.faults.assign(best.names.begin(), best.names.end());
  diagnosis.seen = evidence(exercise, observations, best.names.front());
  return diagnosis;
}

}  // namespace exercises
