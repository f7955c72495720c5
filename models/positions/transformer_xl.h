// Transformer-XL's relative attention: Dai et al. 2019 (arXiv:1901.02860), §3.3. A query's score of
// a key is a sum of four terms, two of which depend on the distance between them:
//
//   A_ij = q_i k_j + q_i W R_{i-j} + u k_j + v W R_{i-j} = (q_i + u) k_j + (q_i + v) W R_{i-j}
//
// R_d is the sinusoidal vector of distance d, W projects it to a key, and u and v stand for queries
// that do not know where they are. As in the paper, each layer has its own W, and all share u and
// v. Distances are as many as keys, so W is applied S times and not T S times (appendix B).
//
// Differs from the paper: grouped heads share keys of distances as they share those of tokens
// (Ainslie et al. 2023, arXiv:2305.13245); a model that looks both ways has distances of both
// signs, as XLNet (Yang et al. 2019, arXiv:1906.08237).
#pragma once
#include "models/positions/position.h"

namespace zoo {

class TransformerXlPosition : public Position {
 public:
  /// heads and head_width of u and v, d_model of the sinusoids.
  TransformerXlPosition(int64_t heads, int64_t head_width, int64_t d_model);
  DistanceVectors distance_vectors(int64_t S, int64_t ahead, torch::Device device) const override;
  torch::Tensor content_bias, distance_bias;  // u and v: [H, Dh]

 private:
  int64_t d_model_;
};

/// Products of queries and keys of distances: q [B, H, T, Dh], W [Hkv Dh, C] and vectors [D, C] ->
/// [B, H, T, D]. Hkv divides H. Projects the distances or the queries, whichever is less work.
torch::Tensor distance_scores(const torch::Tensor& q, const torch::Tensor& matrix,
                              const torch::Tensor& vectors);

/// The entry of each key: scores [B, H, T, D] by distance, as DistanceVectors::vectors for these S
/// keys -> [B, H, T, S]. query_start as AttendArgs::query_start. Keys farther ahead than the
/// largest distance get some other number; they must be hidden.
torch::Tensor by_key(const torch::Tensor& scores, int64_t S, const torch::Tensor& query_start = {});

}  // namespace zoo
