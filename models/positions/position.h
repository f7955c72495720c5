// A position scheme: how a model that is otherwise blind to order gets the positions of its tokens.
#pragma once
#include <torch/nn/module.h>
#include <torch/types.h>

#include <string_view>
#include <utility>

#include "base/named_enum.h"
#include "models/positions/rotation.h"

namespace zoo {

/// Distances as keys of their own: transformer_xl.h. Undefined: none.
struct DistanceVectors {
  torch::Tensor vectors = {};  ///< [D, C]: of key minus query = 1 - S .. ahead, D = S + ahead
  int64_t ahead = 0;           ///< the largest, 1 or more
  torch::Tensor content_bias = {}, distance_bias = {};  ///< u and v: [H, Dh]
  bool defined() const { return vectors.defined(); }
};

/// A scheme can act in three places. The defaults do nothing, which is the scheme "none" (NoPE: the
/// causal mask alone tells a decoder about order, Kazemnejad et al. 2023, arXiv:2305.19466). No
/// call changes the scheme, so many threads can use one model.
class Position : public torch::nn::Module {
 public:
  /// On the embeddings, once: x [B, T, C], position ids [B, T] or [1, T] int64 -> [B, T, C].
  virtual torch::Tensor embed(const torch::Tensor& x, const torch::Tensor& positions) const;
  /// On queries and keys in every layer: their rotation at these position ids ([B, T] or [1, T]
  /// int64). `lengths` [B] int64: tokens of each row, for a scheme that depends on them; undefined:
  /// up to the largest id. Computed once per pass. Empty: no rotation.
  virtual Rotation rotation(const torch::Tensor& positions,
                            const torch::Tensor& lengths = {}) const;
  /// Whether rotations change with the length of a text: then a cache must hold keys as they were
  /// before, and they are rotated anew in each pass. Else keys are rotated once, and cached so.
  virtual bool rotation_follows_length() const { return false; }
  /// On the attention scores of every layer: a bias by distance, [H, T + S - 1] for T queries and S
  /// keys, as AttendArgs::relative_bias. Computed once per pass. Undefined: none.
  virtual torch::Tensor relative_bias(int64_t T, int64_t S, torch::Device device) const;
  /// On the scores as well, where each layer projects distances and compares them with queries:
  /// those of S keys, up to `ahead`. Computed once per pass. Undefined: none.
  virtual DistanceVectors distance_vectors(int64_t S, int64_t ahead, torch::Device device) const;
  /// The longest sequence that the scheme can represent; 0: no limit.
  virtual int64_t max_positions() const { return 0; }
};

/// Key minus query of each entry of a relative bias: -(S - 1) .. T - 1, [T + S - 1] int64.
torch::Tensor relative_distances(int64_t T, int64_t S);

enum class PositionKind {
  kNone,
  kLearned,
  kSinusoidal,
  kRotary,
  kAlibi,
  kBucketed,
  kTransformerXl
};
template <>
struct EnumNames<PositionKind> {
  static constexpr std::string_view what = "position scheme";
  static constexpr std::pair<PositionKind, std::string_view> values[] = {
      {PositionKind::kNone, "none"},
      {PositionKind::kLearned, "learned"},
      {PositionKind::kSinusoidal, "sinusoidal"},
      {PositionKind::kRotary, "rotary"},
      {PositionKind::kAlibi, "alibi"},
      {PositionKind::kBucketed, "t5"},
      {PositionKind::kTransformerXl, "transformer-xl"}};
};

/// Where a scheme acts.
enum class PositionPlace { kEmbeddings, kRotation, kScores };
constexpr PositionPlace place_of(PositionKind kind) {
  if (kind == PositionKind::kRotary) return PositionPlace::kRotation;
  const bool biases = kind == PositionKind::kAlibi || kind == PositionKind::kBucketed ||
                      kind == PositionKind::kTransformerXl;
  return biases ? PositionPlace::kScores : PositionPlace::kEmbeddings;
}
/// Whether a token's position matters only by its distance to others, so that a text may begin
/// anywhere. (Rotary positions with dynamic scaling depend on the length as well.)
constexpr bool is_relative(PositionKind kind) {
  return kind != PositionKind::kLearned && kind != PositionKind::kSinusoidal;
}

}  // namespace zoo
