// All pairs, then the best.
#include "infer/retrieval/sentence_search.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <limits>

namespace zoo {

torch::Tensor similarities(const torch::Tensor& queries, const torch::Tensor& sentences,
                           Similarity similarity) {
  const auto of_length_one = [](const torch::Tensor& x) {
    return x / x.norm(2, {-1}, true).clamp_min(1e-12);
  };
  switch (similarity) {
    case Similarity::kCosine:
      return of_length_one(queries).mm(of_length_one(sentences).t());
    case Similarity::kDot:
      return queries.mm(sentences.t());
    case Similarity::kEuclidean:
      return -torch::cdist(queries, sentences, 2.0);
    case Similarity::kManhattan:
      return -torch::cdist(queries, sentences, 1.0);
  }
  TORCH_CHECK(false, "unknown similarity");
}

std::vector<FoundSentence> nearest(const torch::Tensor& scores, int64_t top_n) {
  // To topk, NaN is the largest number of all.
  constexpr double kNone = -std::numeric_limits<double>::infinity();
  const auto [best, order] =
      scores.masked_fill(scores.isnan(), kNone).topk(std::min(top_n, scores.size(0)));  // [n]
  std::vector<FoundSentence> found;
  for (int64_t n = 0; n < best.size(0); ++n) {
    const auto score = best[n].item<double>();
    if (score != kNone) found.push_back({order[n].item<int64_t>(), score});
  }
  return found;
}

}  // namespace zoo
