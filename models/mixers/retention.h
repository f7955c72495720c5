// Retention, the mixer of RetNet: Sun et al. 2023 (arXiv:2307.08621), §2. Linear attention without
// a normaliser whose memory fades by a constant factor a token, another one for each head; queries
// and keys are rotated by their positions, and a gate decides what leaves the layer (Eq. 8).
// C = H Dk, values E times as wide: operations for T tokens 4 T C^2 (1 + 1.5 E) for the
// projections, 2 T C W (1 + E) + 4 E T C Dk in chunks of W. Memory while stepping: E C Dk numbers a
// row.
// Differs from the paper: heads are normalised by their root mean square alone, as in the authors'
// code; its further divisions of scores (§2.3) are left out, because this norm undoes them.
#pragma once
#include <torch/nn/modules/linear.h>

#include <map>
#include <string>

#include "models/mixers/linear_attention.h"
#include "models/mixers/mixer.h"

namespace zoo {

struct RetentionOptions {
  int64_t d_model = 0;  ///< C
  int64_t heads = 0;    ///< H; divides C, Dk = C / H is even
  int64_t expand = 2;   ///< E: width of the values / C (§3.1)
  bool bias = false;
  int64_t chunk = 64;  ///< W
  double epsilon = 1e-5;
};
MixerCost cost_of(const RetentionOptions& options, int64_t T, bool causal);

/// Eq. 8: gamma_h = 1 - 2^(-5 - h), as logarithms: [H], float64.
torch::Tensor retention_log_decays(int64_t heads);

class RetentionMixer : public TokenMixer {
 public:
  explicit RetentionMixer(const RetentionOptions& options);
  MixerKind kind() const override { return MixerKind::kRetention; }
  bool supports(bool causal) const override { return causal; }
  MixerCost cost(int64_t T, bool causal = true) const override {
    return cost_of(options, T, causal);
  }

  RetentionOptions options;
  // [2 C + 2 E C, C]: rows for queries, keys, values and the gate
  torch::nn::Linear in_proj{nullptr};
  torch::nn::Linear out_proj{nullptr};  // [C, E C]

 protected:
  torch::Tensor mix(const torch::Tensor& x, const MixerContext& context) override;
  std::map<std::string, torch::Tensor> first_state(
      int64_t batch, const torch::TensorOptions& options) const override;
  torch::Tensor advance(const torch::Tensor& x, MixerState& state,
                        const torch::Tensor& counts) override;

 private:
  torch::Tensor log_decays_;  // [H], float64
};

}  // namespace zoo
