#include "notebooks-cpp/exercises/grader/shim.h"
#include "notebooks-cpp/exercises/22_speculative_acceptance/speculative_acceptance.h"

namespace {

/// How often each token comes, drafts drawn from q, with `count` numbers of each kind that fill the
/// unit cube evenly.
torch::Tensor frequencies(const torch::Tensor& p, const torch::Tensor& q, int64_t count) {
  const auto V = static_cast<size_t>(p.size(0));
  std::vector<double> times(V);
  const auto part = [](double x) { return x - std::floor(x); };
  for (int64_t n = 0; n < count; ++n) {
    const auto at = static_cast<double>(n) + 0.5;
    const int64_t draft = draw(q, part(at * 0.8191725134));
    const auto [token, accepted] =
        accept_or_resample(p, q, draft, part(at * 0.6710436067), part(at * 0.5497004779));
    times.at(static_cast<size_t>(token)) += 1.0 / static_cast<double>(count);
  }
  return torch::tensor(times);
}

}  // namespace

EXERCISE_SHIM(EXERCISE_FUNCTION(residual), EXERCISE_FUNCTION(accept_or_resample),
              EXERCISE_FUNCTION(speculate), EXERCISE_FUNCTION(frequencies))
