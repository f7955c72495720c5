#include "infer/decode/beam/beam_groups.h"

#include <algorithm>
#include <functional>

#include "infer/decode/rows.h"

namespace zoo {

torch::Tensor penalise_taken(const torch::Tensor& scores, std::span<const int64_t> taken,
                             double penalty) {
  if (taken.empty() || penalty == 0.0) return scores;
  const auto ids = to_tensor(taken).to(scores.device());
  const auto times = torch::bincount(ids, {}, scores.size(1));  // [V]
  return scores - penalty * times;
}

std::vector<Hypothesis> best_of_groups(std::span<const Search> groups) {
  std::vector<Hypothesis> all;
  for (const Search& group : groups) {
    const auto& best = group.finished.best_first();
    all.insert(all.end(), best.begin(), best.end());
  }
  std::ranges::stable_sort(all, std::greater<>(), &Hypothesis::score);
  return all;
}

}  // namespace zoo
