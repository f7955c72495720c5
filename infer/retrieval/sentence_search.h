// Search for texts with similar meaning, by their sentence embeddings.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "models/pretrained/bert/sentence_config.h"

namespace zoo {

struct FoundSentence {
  int64_t index = 0;   ///< among the sentences searched
  double score = 0.0;  ///< the larger the nearer
};

/// queries [Q, E], sentences [N, E] -> [Q, N]: cosine, dot product, or negative distance
torch::Tensor similarities(const torch::Tensor& queries, const torch::Tensor& sentences,
                           Similarity similarity);

/// Similarities of one query [N] -> the nearest `top_n`, best first, without NaN.
std::vector<FoundSentence> nearest(const torch::Tensor& scores, int64_t top_n);

}  // namespace zoo
