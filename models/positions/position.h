// A position scheme: how a model that is otherwise blind to order gets the positions of its tokens.
#pragma once
#include <torch/nn/module.h>
#include <torch/types.h>

#include <string_view>
#include <utility>

#include "base/named_enum.h"
#include "models/attention/attend.h"
#include "models/positions/rotation.h"

namespace zoo {

/// A scheme can act in three places. The defaults do nothing, which is the scheme "none" (NoPE: the
/// causal mask alone tells a decoder about order, Kazemnejad et al. 2023, arXiv:2305.19466). No
/// call changes the scheme, so many threads can use one model.
class Position : public torch::nn::Module {
 public:
  /// On the embeddings, once: x [B, T, C], position ids [B, T] or [1, T] int64 -> [B, T, C].
  virtual torch::Tensor embed(const torch::Tensor& x, const torch::Tensor& positions) const;
  /// On queries and keys in every layer, before keys are cached: their rotation at these position
  /// ids ([B, T] or [1, T] int64). Computed once per pass. Empty: no rotation.
  virtual Rotation rotation(const torch::Tensor& positions) const;
  /// On the attention scores of every layer. Position ids of the queries are [B, T] or [1, T], of
  /// the keys [B, S] or [1, S], int64. Rows differ if sequences of a batch differ in length.
  virtual void shape_scores(AttendArgs& args, const torch::Tensor& query_positions,
                            const torch::Tensor& key_positions) const;
  /// Whether shape_scores() does anything.
  virtual bool shapes_scores() const { return false; }
  /// The longest sequence that the scheme can represent; 0: no limit.
  virtual int64_t max_positions() const { return 0; }
};

enum class PositionKind { kNone, kLearned, kSinusoidal, kRotary };
template <>
struct EnumNames<PositionKind> {
  static constexpr std::string_view what = "position scheme";
  static constexpr std::pair<PositionKind, std::string_view> values[] = {
      {PositionKind::kNone, "none"},
      {PositionKind::kLearned, "learned"},
      {PositionKind::kSinusoidal, "sinusoidal"},
      {PositionKind::kRotary, "rotary"}};
};

}  // namespace zoo
