// Attention that sees far keys in another way than near ones, so that a trained model can read
// texts longer than those of its training:
//   attention sinks, Xiao et al. 2023 (arXiv:2309.17453), §3.2: of the keys outside the window the
//     first few stay, as far away as they lie in a cache that holds them and the window;
//   SelfExtend, Jin et al. 2024 (arXiv:2401.01325), §3: the positions of far keys are divided by a
//     group size and rounded down, so no distance is larger than those of training.
// One softmax over all keys that are seen.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "models/attention/attend.h"
#include "models/positions/position.h"

namespace zoo {

struct FarKeys {
  int64_t near = 0;   ///< keys so many tokens back, the query's own included, are near; 0: all
  int64_t sinks = 0;  ///< far keys are seen only at these first positions of the text; 0: all are
  int64_t group = 1;  ///< SelfExtend's G; 1: far keys have positions of their own
  bool any() const { return near > 0; }
};

/// The positions that stand for those of queries and keys in scores of far keys: int64, any shape.
torch::Tensor far_query_positions(const torch::Tensor& positions, const FarKeys& far);
torch::Tensor far_key_positions(const torch::Tensor& positions, const FarKeys& far);

/// Queries and keys as they stand in the text, and the scheme that tells a model so.
struct PlacedKeys {
  const Position* position = nullptr;  ///< null: none
  torch::Tensor queries, keys;         ///< positions [B or 1, T] and [B or 1, S], int64
  /// Which heads of the scheme these are; empty: all.
  std::vector<int64_t> heads = {};
};

/// Causal attention; q [B, H, T, Dh], k and v [B, Hkv, S, Dh], not rotated -> [B, H, T, Dh]. Of
/// `args`, causal, window, query_start and relative_bias follow from the positions.
/// Memory: a mask of T (S + F) for F far keys. Time: with rotary positions twice that of attention
/// to S + F keys, because both kinds of score are one product of twice the width; of a single query
/// that of attention to S keys, all of which are turned anew.
torch::Tensor attend_near_and_far(std::string_view kernel, const torch::Tensor& q,
                                  const torch::Tensor& k, const torch::Tensor& v, AttendArgs args,
                                  const FarKeys& far, const PlacedKeys& placed);

}  // namespace zoo
