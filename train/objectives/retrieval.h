// Retrieval: recall at k, and its value for random order.
#pragma once
#include <torch/types.h>

#include <cstdint>

namespace zoo {

/// Share of the queries that have a match among their k best candidates. scores [N, M], matches
/// bool [N, M] with at least one match in every row. Candidates with the same score count as ranked
/// before the match, so a model with constant scores finds nothing. For the other direction
/// transpose both. Throws c10::Error for other shapes or a row without a match.
double recall_at(int64_t k, const torch::Tensor& scores, const torch::Tensor& matches);

/// The same for candidates in random order: mean of 1 - C(M - p, k) / C(M, k), where p of the M
/// candidates match.
double chance_recall_at(int64_t k, const torch::Tensor& matches);

}  // namespace zoo
