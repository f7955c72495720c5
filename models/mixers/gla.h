// Gated linear attention: Yang et al. 2023 (arXiv:2312.06635). The memory fades at a rate that each
// token chooses, for each channel of the keys: S_t = diag(alpha_t) S_{t-1} + k_t v_t^T (§4.1), with
// alpha_t = sigmoid(W2 W1 x_t + b)^(1 / 16) (§4.4). A gate decides what leaves the layer.
// Keys are C/2 wide, values C: operations for T tokens 8 T C^2 + 3 T C R for the projections (R the
// rank of W2 W1), about T C W + 2 T C^2 / H in chunks of W. Memory while stepping: C^2 / (2 H)
// numbers a row.
// Differs from the paper: heads are normalised by their root mean square, as in the authors' code.
#pragma once
#include <torch/nn/modules/linear.h>

#include <map>
#include <string>

#include "models/mixers/linear_attention.h"
#include "models/mixers/mixer.h"

namespace zoo {

struct GlaOptions {
  int64_t d_model = 0;  ///< C; even
  int64_t heads = 0;    ///< H; divides C / 2
  int64_t gate_rank = 16;
  double temperature = 16.0;  ///< alpha = sigmoid(.)^(1 / temperature): slow to forget at first
  bool bias = false;
  int64_t chunk = 64;  ///< W
  double epsilon = 1e-5;
};
MixerCost cost_of(const GlaOptions& options, int64_t T, bool causal);

class GlaMixer : public TokenMixer {
 public:
  explicit GlaMixer(const GlaOptions& options);
  MixerKind kind() const override { return MixerKind::kGla; }
  bool supports(bool causal) const override { return causal; }
  MixerCost cost(int64_t T, bool causal = true) const override {
    return cost_of(options, T, causal);
  }

  GlaOptions options;
  // [3 C, C]: rows for queries and keys (C/2 each), values and the output gate
  torch::nn::Linear in_proj{nullptr};
  torch::nn::Linear gate_down{nullptr};  // W1: [R, C]
  torch::nn::Linear gate_up{nullptr};    // W2 and b: [C/2, R]
  torch::Tensor norm_weight;             // [C / H]
  torch::nn::Linear out_proj{nullptr};   // [C, C]

 protected:
  torch::Tensor mix(const torch::Tensor& x, const MixerContext& context) override;
  std::map<std::string, torch::Tensor> first_state(
      int64_t batch, const torch::TensorOptions& options) const override;
  torch::Tensor advance(const torch::Tensor& x, MixerState& state,
                        const torch::Tensor& counts) override;
};

}  // namespace zoo
