// Shares of attention along diagonals, columns and blocks.
#include "infer/analysis/head_patterns.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace zoo {
namespace {

/// A head beside one that sees all keys alike, for queries with more than one key.
struct Shares {
  torch::Tensor own, even;  // [T, S] double
  torch::Tensor visible;    // [T, S] bool
};

Shares shares_of(const torch::Tensor& weights, const torch::Tensor& may_attend) {
  const auto chooses = may_attend.sum(1).gt(1).unsqueeze(1);  // [T, 1]
  const auto visible = may_attend.logical_and(chooses);       // [T, S]
  const auto count = visible.sum(1, /*keepdim=*/true).clamp_min(1);
  return {.own = weights.to(torch::kDouble) * visible,
          .even = visible.to(torch::kDouble) / count,
          .visible = visible};
}

/// Half of the queries, at least: less says nothing of the head.
int64_t fewest_of(const Shares& shares) { return (shares.own.size(0) + 1) / 2; }

/// Of many patterns, the attention on each and the queries that can see it, [n] each -> scores [n]:
/// (share - even) / (1 - even), from 0 to 1; 0 where even heads cannot be beaten, or queries are
/// few.
torch::Tensor scores_beyond_even(const torch::Tensor& own, const torch::Tensor& even,
                                 const torch::Tensor& queries, int64_t fewest) {
  const auto count = queries.to(torch::kDouble).clamp_min(1);
  const auto room = 1 - even / count;
  const auto score = ((own - even) / count / room.clamp_min(1e-9)).clamp(0, 1);
  return torch::where(queries.ge(fewest).logical_and(room.gt(1e-9)), score, 0.0);
}

/// The sum along the diagonal `by` after each query's position, for each of `offsets`.
torch::Tensor diagonal_sums(const torch::Tensor& x, const std::vector<int64_t>& offsets) {
  std::vector<torch::Tensor> sums;
  for (const int64_t by : offsets) sums.push_back(x.diagonal(by).sum());
  return torch::stack(sums);
}

/// The scores of all diagonals, the main one first, and how far each is off it.
std::pair<torch::Tensor, std::vector<int64_t>> score_diagonals(const Shares& shares) {
  const int64_t T = shares.own.size(0), S = shares.own.size(1);
  std::vector<int64_t> offsets = {0};
  for (int64_t by = 1; by < std::max(T, S); ++by) {
    if (by < T) offsets.push_back(-by);
    if (by < S) offsets.push_back(by);
  }
  const auto scores = scores_beyond_even(
      diagonal_sums(shares.own, offsets), diagonal_sums(shares.even, offsets),
      diagonal_sums(shares.visible.to(torch::kLong), offsets), fewest_of(shares));
  return {scores, offsets};
}

void score_offsets(const Shares& shares, HeadScores& scores) {
  const auto [found, offsets] = score_diagonals(shares);
  scores.diagonal = found[0].item<double>();
  if (offsets.size() > 1) {
    const auto [best, at] = found.slice(0, 1).max(0);
    scores.offset = best.item<double>();
    scores.by = offsets[static_cast<size_t>(at.item<int64_t>()) + 1];
  }
  const auto [backwards, places] =
      score_diagonals({shares.own.flip(1), shares.even.flip(1), shares.visible.flip(1)});
  const auto [best, at] = backwards.max(0);
  scores.anti_diagonal = best.item<double>();
  scores.sum = shares.own.size(1) - 1 - places[static_cast<size_t>(at.item<int64_t>())];
}

void score_columns(const Shares& shares, HeadScores& scores) {
  const auto [best, key] = scores_beyond_even(shares.own.sum(0), shares.even.sum(0),
                                              shares.visible.sum(0), fewest_of(shares))
                               .max(0);
  scores.vertical = best.item<double>();
  scores.key = key.item<int64_t>();
}

/// Cuts with two tokens or more on both sides; queries that see only one side do not count.
void score_blocks(const Shares& shares, HeadScores& scores) {
  const int64_t T = shares.own.size(0);
  if (T < 4) return;
  const auto place = torch::arange(T, torch::kLong);
  const auto after = place.unsqueeze(1).ge(place.slice(0, 2, T - 1));  // [T, cuts]: query past it
  const auto before_cut = [&](const torch::Tensor& x) {
    return x.cumsum(1).slice(1, 1, T - 2);  // [T, cuts]: of keys before the cuts 2 to T - 2
  };
  const auto seen = before_cut(shares.visible.to(torch::kLong));
  const auto both = seen.gt(0).logical_and(seen.lt(shares.visible.sum(1, true)));
  const auto within = [&](const torch::Tensor& w) {
    const auto left = before_cut(w);
    return (torch::where(after, 1 - left, left) * both).sum(0);  // [cuts]
  };
  const auto found = scores_beyond_even(within(shares.own), within(shares.even), both.sum(0), 2);
  const auto [best, at] = found.max(0);
  scores.block = best.item<double>();
  scores.cut = at.item<int64_t>() + 2;
}

HeadPattern name_pattern(const HeadScores& s) {
  const double narrow = std::max({s.diagonal, s.offset, s.vertical, s.anti_diagonal});
  if (s.block >= kNamedFrom && s.block > 2 * narrow) return HeadPattern::kBlock;
  if (narrow < kNamedFrom) return HeadPattern::kMixed;
  if (s.diagonal == narrow) return HeadPattern::kDiagonal;
  if (s.vertical == narrow) return HeadPattern::kVertical;
  return s.offset == narrow ? HeadPattern::kOffset : HeadPattern::kAntiDiagonal;
}

torch::Tensor entropy_of(const torch::Tensor& w) {
  return -(w * w.clamp_min(1e-300).log2()).sum(-1);
}

}  // namespace

double HeadScores::score() const {
  switch (pattern) {
    case HeadPattern::kDiagonal:
      return diagonal;
    case HeadPattern::kOffset:
      return offset;
    case HeadPattern::kAntiDiagonal:
      return anti_diagonal;
    case HeadPattern::kVertical:
      return vertical;
    case HeadPattern::kBlock:
      return block;
    case HeadPattern::kMixed:
      break;
  }
  return 0.0;
}

HeadScores score_head(const torch::Tensor& weights, const torch::Tensor& may_attend) {
  TORCH_CHECK(weights.dim() == 2 && may_attend.sizes() == weights.sizes(),
              "score_head: weights and may_attend must be [T, S] alike, got ", weights.sizes(),
              " and ", may_attend.sizes());
  const Shares shares = shares_of(weights, may_attend);
  const auto choosing = shares.visible.any(1).sum().item<int64_t>();
  HeadScores scores;
  if (choosing == 0) return scores;
  const auto mean = [&](const torch::Tensor& w) {
    return entropy_of(w).sum().item<double>() / static_cast<double>(choosing);
  };
  scores.entropy = mean(shares.own);
  scores.most_entropy = mean(shares.even);
  score_columns(shares, scores);
  score_offsets(shares, scores);
  if (weights.size(0) == weights.size(1)) score_blocks(shares, scores);
  scores.pattern = name_pattern(scores);
  return scores;
}

std::string describe(const HeadScores& scores, const AttentionMap& map) {
  switch (scores.pattern) {
    case HeadPattern::kOffset:
      return fmt::format("offset {:+}", scores.by);
    case HeadPattern::kVertical:
      return fmt::format("vertical, '{}'", map.keys[static_cast<size_t>(scores.key)]);
    case HeadPattern::kBlock:
      return fmt::format("block, cut at '{}'", map.keys[static_cast<size_t>(scores.cut)]);
    default:
      return std::string(name_of(scores.pattern));
  }
}

// With p and q two heads' weights and H in bits, the divergence is H((p + q) / 2) - (H(p) + H(q))
// / 2. As p + q sums to 2, H((p + q) / 2) = 1 + H'(p + q) / 2, where H' sums -x log2 x.
torch::Tensor head_similarity(const AttentionMap& map) {
  const auto visible = shares_of(map.layers.front()[0], map.may_attend).visible;  // [T, S]
  const auto chooses = visible.any(1).nonzero().squeeze(1);                       // [Q]
  const auto all = torch::cat(map.layers).to(torch::kFloat).index_select(1, chooses);
  const int64_t N = all.size(0), Q = std::max<int64_t>(chooses.size(0), 1);
  const auto bits = [&](const torch::Tensor& w) {  // [n, Q, S] -> [n], mean over the queries
    return torch::special_entr(w).sum({1, 2}, false, torch::kDouble) / (std::log(2.0) * Q);
  };
  const auto own = bits(all);  // [N]
  auto alike = torch::ones({N, N}, torch::kDouble);
  for (int64_t a = 0; a + 1 < N && chooses.size(0) > 0; ++a) {
    const auto mixed = 1 + bits(all.slice(0, a + 1) + all[a]) / 2;         // [n]
    const auto likeness = 1 - mixed + (own.slice(0, a + 1) + own[a]) / 2;  // [n]
    alike[a].slice(0, a + 1).copy_(likeness);
    alike.select(1, a).slice(0, a + 1).copy_(likeness);
  }
  return alike.clamp(0, 1);
}

std::vector<HeadRow> score_heads(const AttentionMap& map) {
  std::vector<HeadRow> rows;
  for (size_t layer = 0; layer < map.layers.size(); ++layer) {
    for (int64_t head = 0; head < map.heads(layer); ++head)
      rows.push_back({.layer = static_cast<int64_t>(layer), .head = head});
  }
  auto others = head_similarity(map);
  others.fill_diagonal_(-1);  // a head is not its own neighbour
  const auto [likeness, nearest] = others.max(1);
  for (size_t n = 0; n < rows.size(); ++n) {
    auto& row = rows[n];
    const auto& weights = map.layers[static_cast<size_t>(row.layer)][row.head];  // [T, S]
    row.scores = score_head(weights, map.may_attend);
    if (rows.size() == 1) break;
    const auto at = static_cast<int64_t>(n);
    const auto& like = rows[static_cast<size_t>(nearest[at].item<int64_t>())];
    row.like_layer = like.layer;
    row.like_head = like.head;
    row.likeness = likeness[at].item<double>();
  }
  return rows;
}

}  // namespace zoo
