// The linear transformer: Katharopoulos et al. 2020 (arXiv:2006.16236). The similarity of a query
// and a key is phi(q) . phi(k) instead of exp(q . k), with phi(x) = elu(x) + 1 > 0 (Eq. 7).
// Operations for T tokens of C = H D: 8 T C^2 for the projections, 4 T C (W + D) in chunks of W, or
// 4 T C D both ways. Memory while stepping: H D (D + 1) numbers a row.
// Differs from the paper: nothing; the chunked form is Sun et al. 2023's.
#pragma once
#include <torch/nn/modules/linear.h>

#include <map>
#include <string>

#include "models/mixers/linear_attention.h"
#include "models/mixers/mixer.h"

namespace zoo {

struct LinearMixerOptions {
  int64_t d_model = 0;  ///< C
  int64_t heads = 0;    ///< H; divides C
  bool bias = true;
  int64_t chunk = 64;  ///< W
};
MixerCost cost_of(const LinearMixerOptions& options, int64_t T, bool causal);

/// phi(x) = elu(x) + 1, Eq. 7.
torch::Tensor elu_features(const torch::Tensor& x);

class LinearMixer : public TokenMixer {
 public:
  explicit LinearMixer(const LinearMixerOptions& options);
  MixerKind kind() const override { return MixerKind::kLinear; }
  bool supports(bool) const override { return true; }
  MixerCost cost(int64_t T, bool causal = true) const override {
    return cost_of(options, T, causal);
  }

  LinearMixerOptions options;
  torch::nn::Linear in_proj{nullptr};   // [3 C, C]: rows for queries, then keys, then values
  torch::nn::Linear out_proj{nullptr};  // [C, C]

 protected:
  torch::Tensor mix(const torch::Tensor& x, const MixerContext& context) override;
  std::map<std::string, torch::Tensor> first_state(
      int64_t batch, const torch::TensorOptions& options) const override;
  torch::Tensor advance(const torch::Tensor& x, MixerState& state,
                        const torch::Tensor& counts) override;

 private:
  struct Projected {
    torch::Tensor q, k, v;  // [B, H, T, D], v with ones: [B, H, T, D + 1]
  };
  Projected project(const torch::Tensor& x, const torch::Tensor& lengths);
  torch::Tensor project_out(const torch::Tensor& y);
};

}  // namespace zoo
