// What a head does, in a word and in numbers: how widely it looks, along which pattern, and which
// head does nearly the same. Patterns as in Clark et al. 2019 (arXiv:1906.04341), §3, and Kovaleva
// et al. 2019 (arXiv:1908.08593), Figure 1.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "infer/analysis/attention_maps.h"

namespace zoo {

enum class HeadPattern { kMixed, kDiagonal, kOffset, kAntiDiagonal, kVertical, kBlock };
template <>
struct EnumNames<HeadPattern> {
  static constexpr std::string_view what = "head pattern";
  static constexpr std::pair<HeadPattern, std::string_view> values[] = {
      {HeadPattern::kMixed, "mixed"},       {HeadPattern::kDiagonal, "diagonal"},
      {HeadPattern::kOffset, "offset"},     {HeadPattern::kAntiDiagonal, "anti-diagonal"},
      {HeadPattern::kVertical, "vertical"}, {HeadPattern::kBlock, "block"}};
};

/// From this score on a pattern names the head.
inline constexpr double kNamedFrom = 0.4;

/// Each score compares the share of attention along a pattern with that of a head that sees all
/// keys alike: 1 all of it, 0 no more than that head. Only queries with a choice count.
struct HeadScores {
  double entropy = 0;       ///< bits, mean over the queries: 0 looks at one token
  double most_entropy = 0;  ///< of a head that sees all keys alike
  double diagonal = 0;      ///< on the query's own position
  double offset = 0;        ///< on the position `by` after the query's (-1: the previous token)
  int64_t by = 0;
  double anti_diagonal = 0;  ///< on the position `sum` minus the query's: reads backwards
  int64_t sum = 0;
  double vertical = 0;  ///< of all queries on one key
  int64_t key = 0;
  /// Of queries on their own side of a cut before key `cut`: as within a sentence of two.
  double block = 0;
  int64_t cut = 0;
  /// The narrow pattern (not block) with the best score, if it reaches kNamedFrom; block if its
  /// score does and is more than twice that, since a narrow pattern keeps to its side as well.
  HeadPattern pattern = HeadPattern::kMixed;

  double score() const;  ///< of the pattern; 0 for kMixed
};

/// weights [T, S], may_attend [T, S] bool -> scores. Blocks are looked for where T = S.
HeadScores score_head(const torch::Tensor& weights, const torch::Tensor& may_attend);

/// "offset -1", "vertical, 'the'", "block, cut at '[SEP]'".
std::string describe(const HeadScores& scores, const AttentionMap& map);

/// How alike all pairs of the N heads are, [N, N]: 1 minus the Jensen-Shannon divergence (bits)
/// of their attention, mean over queries with a choice. 1: the same weights; 0: never the same key.
torch::Tensor head_similarity(const AttentionMap& map);

/// All heads of a map, layer by layer, each with the head most like it.
struct HeadRow {
  int64_t layer = 0, head = 0;
  HeadScores scores = {};
  int64_t like_layer = -1, like_head = -1;  ///< -1: there is no other head
  double likeness = 0;
};
std::vector<HeadRow> score_heads(const AttentionMap& map);

}  // namespace zoo
