// Beams times vocabulary, reduced to the few best.
#include "infer/decode/beam/beam_candidates.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "infer/decode/sampling.h"

namespace zoo {

namespace {

/// Those at `indices` of the flattened sums, up to the first that is forbidden.
std::vector<Candidate> candidates_at(const torch::Tensor& indices, const torch::Tensor& sums,
                                     const torch::Tensor& log_probs) {
  const int64_t V = sums.size(1);
  const auto picked = [&](const torch::Tensor& values) {
    return values.flatten().index_select(0, indices).to(torch::kCPU, torch::kDouble);
  };
  const auto all = picked(sums), own = picked(log_probs), where = indices.cpu();
  std::vector<Candidate> candidates;
  for (int64_t i = 0; i < where.size(0); ++i) {
    const double sum = all[i].item<double>();
    if (std::isinf(sum)) break;  // forbidden, and so is all that follows
    const auto index = where[i].item<int64_t>();
    candidates.push_back(
        {.beam = index / V, .token = index % V, .sum = sum, .log_prob = own[i].item<double>()});
  }
  return candidates;
}

}  // namespace

std::vector<Candidate> best_candidates(const torch::Tensor& sums, const torch::Tensor& log_probs,
                                       int64_t count) {
  const auto indices = std::get<1>(sums.flatten().topk(std::min(count, sums.numel())));  // [count]
  return candidates_at(indices, sums, log_probs);
}

std::vector<Candidate> drawn_candidates(const torch::Tensor& sums, const torch::Tensor& log_probs,
                                        int64_t count, const DrawKey& key) {
  auto numbers = torch::empty(sums.sizes(), torch::kDouble);  // [n, V] in (0, 1)
  auto* number = numbers.data_ptr<double>();
  for (int64_t i = 0; i < numbers.numel(); ++i) {
    const uint64_t draw = static_cast<uint64_t>(key.step) << 32 | static_cast<uint64_t>(i);
    number[i] = uniform_number(key.seed, key.stream, draw) + 0x1p-54;
  }
  const auto noise = -(-numbers.log()).log();  // Gumbel
  const auto keys = (sums.to(torch::kDouble) + noise.to(sums.device())).flatten();
  const auto indices = std::get<1>(keys.topk(std::min(count, keys.numel())));
  return candidates_at(indices, sums, log_probs);
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

Selection select_best(std::span<const Candidate> in_order, int64_t width) {
  Selection selection;
  for (size_t rank = 0; rank < in_order.size(); ++rank) {
    const Candidate& candidate = in_order[rank];
    if (!candidate.ends) selection.open.push_back(candidate);
    if (candidate.ends && static_cast<int64_t>(rank) < width) selection.ended.push_back(candidate);
  }
  std::ranges::stable_sort(selection.open, std::greater<>(),
                           &Candidate::sum);  // drawn ones are not
  if (std::ssize(selection.open) > width)
    selection.open.erase(selection.open.begin() + width, selection.open.end());
  return selection;
}

}  // namespace zoo
