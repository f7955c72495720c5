// Performer: Choromanski et al. 2020 (arXiv:2009.14794), FAVOR+. exp(q . k) is the expectation of
// phi(q) . phi(k) over random directions w ~ N(0, I), with (Lemma 1)
//
//   phi(x) = exp(w . x - |x|^2 / 2) > 0
//
// So M random features turn softmax attention into linear attention, whose error falls as
// 1 / sqrt(M). Directions that are orthogonal within blocks of Dh cover the space more evenly than
// independent ones: a smaller error (§2.4).
//
// Operations for T tokens of H heads: 4 T H M Dh for the features; causal 2 T H W (M + Dh) + 4 T H
// M Dh in chunks of W, both ways 4 T H M Dh. Memory while stepping: H M (Dh + 1) numbers a row.
#pragma once
#include <torch/nn/modules/linear.h>

#include <map>
#include <string>

#include "models/mixers/linear_attention.h"
#include "models/mixers/mixer.h"

namespace zoo {

/// M random directions, orthogonal in blocks of Dh rows, as long as normal vectors: [M, Dh]. From
/// torch's default generator.
torch::Tensor orthogonal_directions(int64_t features, int64_t head_width);

/// w . x - |x|^2 / 2 with x / Dh^(1/4) for x, so that products are exp(q . k / sqrt(Dh)) in
/// expectation, up to one factor for all M: x [B, H, T, Dh] -> [B, H, T, M].
torch::Tensor favor_exponents(const torch::Tensor& x, const torch::Tensor& directions);

/// What causal attention keeps: sums [B, H, M, Dh + 1] of exp(exponent - largest), and `largest`
/// [B, H], the largest exponent of a key so far, -infinity before the first.
struct FavorState {
  torch::Tensor sums, largest;
};

/// q, k, v [B, H, T, Dh] -> [B, H, T, Dh]. Keys from lengths[b] on are padding ([B] int64, or
/// undefined). Causal: starts from `state` and updates it; null: from nothing.
torch::Tensor favor_attention(const torch::Tensor& q, const torch::Tensor& k,
                              const torch::Tensor& v, const torch::Tensor& directions, bool causal,
                              const torch::Tensor& lengths = {}, int64_t chunk = 64,
                              FavorState* state = nullptr);

struct PerformerOptions {
  int64_t d_model = 0;   ///< C
  int64_t heads = 0;     ///< H; divides C
  int64_t features = 0;  ///< M; 0: Dh ln Dh, rounded up (§4: Theorem 4)
  bool bias = true;
  int64_t chunk = 64;  ///< W
};
MixerCost cost_of(const PerformerOptions& options, int64_t T, bool causal);

/// Differs from the paper: the directions are drawn once, or when the caller says so.
class PerformerMixer : public TokenMixer {
 public:
  explicit PerformerMixer(const PerformerOptions& options);
  MixerKind kind() const override { return MixerKind::kPerformer; }
  bool supports(bool) const override { return true; }
  MixerCost cost(int64_t T, bool causal = true) const override {
    return cost_of(options, T, causal);
  }
  /// New directions: while training, every now and then (§4.2). Old states are of no use then.
  void redraw();

  PerformerOptions options;             // zeros replaced by what they stand for
  torch::nn::Linear in_proj{nullptr};   // [3 C, C]: rows for queries, then keys, then values
  torch::nn::Linear out_proj{nullptr};  // [C, C]
  torch::Tensor directions;             // [M, Dh], a buffer

 protected:
  torch::Tensor mix(const torch::Tensor& x, const MixerContext& context) override;
  std::map<std::string, torch::Tensor> first_state(
      int64_t batch, const torch::TensorOptions& options) const override;
  torch::Tensor advance(const torch::Tensor& x, MixerState& state,
                        const torch::Tensor& counts) override;

 private:
  torch::Tensor attend(const torch::Tensor& x, bool causal, const torch::Tensor& lengths,
                       FavorState* state);
};

}  // namespace zoo
