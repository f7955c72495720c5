// A selective state space, the mixer of Mamba-2: Dao & Gu 2024 (arXiv:2405.21060). Each channel of
// a head has N hidden numbers that decay at a rate the token chooses, take up the token in
// proportion to B_t, and are read through C_t (§2.1, Eq. 2, discretised with the step dt_t):
//
//   h_t = exp(dt_t A) h_{t-1} + dt_t x_t B_t^T        y_t = h_t C_t + D x_t
//
// State-space duality: with q = C, k = B, v = dt x and log decay dt A this is linear attention with
// one decay a token (§3, §5). So ssd() calls linear_attention_*: the scan is its recurrent form,
// the paper's block decomposition (§6) its chunked one.
#pragma once
#include <torch/nn/modules/linear.h>

#include <map>
#include <string>

#include "models/mixers/linear_attention.h"
#include "models/mixers/mixer.h"

namespace zoo {

/// H heads of width P with N hidden numbers a channel; B and C serve H / G heads.
struct SsdInputs {
  torch::Tensor x = {};          ///< [B, H, T, P]
  torch::Tensor dt = {};         ///< [B, H, T], 0 or more; 0: the token changes nothing
  torch::Tensor A = {};          ///< [H], negative
  torch::Tensor B = {}, C = {};  ///< [B, G, T, N]
  torch::Tensor D = {};          ///< [H]; undefined: no direct path
};

/// y [B, H, T, P], state [B, H, N, P]; cost as linear_attention_chunked with Dk = N, Dv = P.
LinearAttentionResult ssd_chunked(const SsdInputs& inputs, const torch::Tensor& state,
                                  int64_t chunk);
/// The scan, token by token.
LinearAttentionResult ssd_recurrent(const SsdInputs& inputs, const torch::Tensor& state = {});
/// The dual form with a T x T matrix: y [B, H, T, P].
torch::Tensor ssd_parallel(const SsdInputs& inputs);

/// A convolution over time, each channel by itself: y_t = bias + sum_j weight_j x_{t - K + 1 + j}.
/// x [B, K - 1 + T, C], the last K - 1 earlier tokens first; weight [C, K], bias [C] -> [B, T, C].
torch::Tensor causal_convolution(const torch::Tensor& x, const torch::Tensor& weight,
                                 const torch::Tensor& bias);

struct SsdOptions {
  int64_t d_model = 0;      ///< width of the residual stream
  int64_t heads = 0;        ///< H; divides expand d_model
  int64_t expand = 2;       ///< inner width I / d_model
  int64_t state = 64;       ///< N
  int64_t groups = 1;       ///< G; divides H
  int64_t convolution = 4;  ///< K
  bool bias = false;        ///< of the projections
  int64_t chunk = 64;       ///< W
  double epsilon = 1e-5;
  /// The first steps dt lie between these, evenly on a logarithmic scale.
  double least_step = 1e-3, largest_step = 0.1;
};
MixerCost cost_of(const SsdOptions& options, int64_t T, bool causal);

/// The block of §7.1, Figure 6 (right): one projection for all inputs, a short convolution, SSD, a
/// gate with a norm. Operations for T tokens: 2 T d (3 I + 2 G N + H), and those of SSD. Memory
/// while stepping: I N + (K - 1) (I + 2 G N) numbers a row.
/// Differs from the paper: nothing.
class SsdMixer : public TokenMixer {
 public:
  explicit SsdMixer(const SsdOptions& options);
  MixerKind kind() const override { return MixerKind::kSsd; }
  bool supports(bool causal) const override { return causal; }
  MixerCost cost(int64_t T, bool causal = true) const override {
    return cost_of(options, T, causal);
  }

  SsdOptions options;
  int64_t inner = 0;  ///< I
  // [2 I + 2 G N + H, d]: rows for the gate, x, B, C and dt
  torch::nn::Linear in_proj{nullptr};
  torch::Tensor convolution_weight, convolution_bias;  // [I + 2 G N, K], [I + 2 G N]
  torch::Tensor step_bias;                             // [H]: dt = softplus(. + step_bias)
  torch::Tensor log_rate;                              // [H]: A = -exp(log_rate)
  torch::Tensor skip;                                  // [H]: D
  torch::Tensor norm_weight;                           // [I]
  torch::nn::Linear out_proj{nullptr};                 // [d, I]

 protected:
  torch::Tensor mix(const torch::Tensor& x, const MixerContext& context) override;
  std::map<std::string, torch::Tensor> first_state(
      int64_t batch, const torch::TensorOptions& options) const override;
  torch::Tensor advance(const torch::Tensor& x, MixerState& state,
                        const torch::Tensor& counts) override;

 private:
  int64_t convolved() const { return inner + 2 * options.groups * options.state; }
  torch::Tensor convolve(const torch::Tensor& u, torch::Tensor& window,
                         const torch::Tensor& counts) const;
};

}  // namespace zoo
