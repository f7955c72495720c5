// A position scheme: how a model that is blind to order learns where its tokens stand.
#pragma once
#include <torch/nn/module.h>
#include <torch/types.h>

#include <memory>
#include <string_view>
#include <utility>

#include "base/named_enum.h"
#include "models/attention/attend.h"

namespace zoo {

/// A scheme may act in three places; each default does nothing, which is the scheme "none" (NoPE:
/// the causal mask alone tells a decoder about order, Kazemnejad et al. 2023, arXiv:2305.19466).
class Position : public torch::nn::Module {
 public:
  /// On the embeddings, once: x [B, T, C], positions [B, T] or [1, T] int64 -> [B, T, C].
  virtual torch::Tensor embed(const torch::Tensor& x, const torch::Tensor& positions);
  /// On queries [B, H, T, Dh] and keys [B, Hkv, T, Dh] of every layer, before the keys are cached.
  virtual void rotate(torch::Tensor& q, torch::Tensor& k, const torch::Tensor& positions);
  /// On the scores of every layer, once the number of keys S is known.
  virtual void shape_scores(AttendArgs& args, int64_t T, int64_t S);
  /// Longest sequence that the scheme can place; 0: no limit.
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
