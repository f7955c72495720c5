// Beams times vocabulary, reduced to the few best.
#include "infer/decode/beam_candidates.h"

#include <algorithm>
#include <cmath>
#include <functional>

namespace zoo {

std::vector<Candidate> best_candidates(const torch::Tensor& sums, const torch::Tensor& log_probs,
                                       int64_t count) {
  const int64_t V = sums.size(1);
  const auto [best, places] = sums.flatten().topk(std::min(count, sums.numel()));  // [count]
  const auto own = log_probs.flatten().index_select(0, places).to(torch::kCPU, torch::kDouble);
  const auto on_cpu = best.to(torch::kCPU, torch::kDouble);
  const auto where = places.cpu();
  std::vector<Candidate> candidates;
  for (int64_t i = 0; i < where.size(0); ++i) {
    const double sum = on_cpu[i].item<double>();
    if (std::isinf(sum)) break;  // forbidden, and so is all that follows
    const auto place = where[i].item<int64_t>();
    candidates.push_back(
        {.beam = place / V, .token = place % V, .sum = sum, .log_prob = own[i].item<double>()});
  }
  return candidates;
}

std::vector<Candidate> best_candidates_of_rows(const torch::Tensor& sums,
                                               const torch::Tensor& log_probs, int64_t count,
                                               std::span<const std::vector<int64_t>> extra) {
  std::vector<Candidate> all;
  for (size_t b = 0; b < extra.size(); ++b) {
    const auto row = static_cast<int64_t>(b);
    const size_t first = all.size();
    for (Candidate candidate :
         best_candidates(sums.narrow(0, row, 1), log_probs.narrow(0, row, 1), count)) {
      candidate.beam = row;
      all.push_back(candidate);
    }
    for (const int64_t token : extra[b]) {
      const auto sum = sums[row][token].item<double>();
      const auto same = [&](const Candidate& candidate) { return candidate.token == token; };
      if (std::isinf(sum) ||
          std::any_of(all.begin() + static_cast<std::ptrdiff_t>(first), all.end(), same))
        continue;
      all.push_back({.beam = row,
                     .token = token,
                     .sum = sum,
                     .log_prob = log_probs[row][token].item<double>()});
    }
  }
  std::ranges::stable_sort(all, std::greater<>(), &Candidate::sum);
  return all;
}

Selection select_best(std::span<const Candidate> best_first, int64_t width) {
  Selection selection;
  for (size_t rank = 0; rank < best_first.size(); ++rank) {
    const Candidate& candidate = best_first[rank];
    if (!candidate.ends && std::ssize(selection.open) < width) selection.open.push_back(candidate);
    if (candidate.ends && static_cast<int64_t>(rank) < width) selection.ended.push_back(candidate);
  }
  return selection;
}

}  // namespace zoo
