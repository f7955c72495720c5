// Linformer: Wang et al. 2020 (arXiv:2006.04768). The matrix of attention weights has low rank, so
// the S keys and values can be projected along the length to K of them first (Eq. 7):
//
//   y = softmax(q (E k)^T / sqrt(Dh)) (F v)        E, F [K, S]
//
// Each projected key mixes all positions, so a token cannot look back only.
// Operations for T tokens of C = H Dh: 8 T C^2 for the projections in and out, 8 T K C for the
// rest; memory T K H weights, or what the kernel of attend() needs.
#pragma once
#include <torch/nn/modules/linear.h>

#include <map>
#include <string>

#include "models/mixers/mixer.h"

namespace zoo {

/// q [B, H, T, Dh], k, v [B, H, S, Dh] -> [B, H, T, Dh]. E, F [K, N] for texts of up to N tokens:
/// of a shorter one, the first S columns are used. Keys from lengths[b] on are padding.
torch::Tensor linformer_attention(const torch::Tensor& q, const torch::Tensor& k,
                                  const torch::Tensor& v, const torch::Tensor& E,
                                  const torch::Tensor& F, const torch::Tensor& lengths = {},
                                  const std::string& kernel = "torch");

struct LinformerOptions {
  int64_t d_model = 0;    ///< C
  int64_t heads = 0;      ///< H; divides C
  int64_t positions = 0;  ///< N: longest text
  int64_t projected = 0;  ///< K: length of the projected keys and values; 0: N / 4, at least 1
  bool bias = true;
  std::string kernel = "torch";  ///< of attend()
};
MixerCost cost_of(const LinformerOptions& options, int64_t T, bool causal);

/// The heads of a layer share E and F ("headwise sharing", §4).
/// Differs from the paper: nothing.
class LinformerMixer : public TokenMixer {
 public:
  explicit LinformerMixer(const LinformerOptions& options);
  MixerKind kind() const override { return MixerKind::kLinformer; }
  bool supports(bool causal) const override { return !causal; }
  MixerCost cost(int64_t T, bool causal = true) const override {
    return cost_of(options, T, causal);
  }

  LinformerOptions options;             // zeros replaced by what they stand for
  torch::nn::Linear in_proj{nullptr};   // [3 C, C]: rows for queries, then keys, then values
  torch::nn::Linear out_proj{nullptr};  // [C, C]
  torch::Tensor key_projection, value_projection;  // E, F: [K, N]

 protected:
  torch::Tensor mix(const torch::Tensor& x, const MixerContext& context) override;
  std::map<std::string, torch::Tensor> first_state(int64_t,
                                                   const torch::TensorOptions&) const override;
  torch::Tensor advance(const torch::Tensor&, MixerState&, const torch::Tensor&) override;
};

}  // namespace zoo
