// Reformer's mixer: Kitaev et al. 2020 (arXiv:2001.04451). LSH attention (lsh_attention.h) between
// projections of which queries and keys share one.
// Operations for T tokens of C = H Dh: 6 T C^2 for the projections, and H times lsh_operations():
// about 8 R T m C once T is well above n m. Memory while stepping: 2 C + H R numbers a token, as a
// key-value cache.
// Differs from the paper: chunks are cut in each bucket (lsh_attention.h), and the directions are
// drawn once, or when the caller says so.
#pragma once
#include <torch/nn/modules/linear.h>

#include <map>
#include <string>

#include "models/mixers/lsh_attention.h"
#include "models/mixers/mixer.h"

namespace zoo {

struct ReformerOptions {
  int64_t d_model = 0;   ///< C
  int64_t heads = 0;     ///< H; divides C
  int64_t rounds = 2;    ///< R: hash rounds
  int64_t buckets = 16;  ///< n: a power of two
  int64_t chunk = 32;    ///< m: a bucket of more than 2 m tokens is seen in part
  bool bias = true;
};
MixerCost cost_of(const ReformerOptions& options, int64_t T, bool causal);

class ReformerMixer : public TokenMixer {
 public:
  explicit ReformerMixer(const ReformerOptions& options);
  MixerKind kind() const override { return MixerKind::kReformer; }
  bool supports(bool) const override { return true; }
  MixerCost cost(int64_t T, bool causal = true) const override {
    return cost_of(options, T, causal);
  }
  /// New directions. Old states are of no use then.
  void redraw();

  ReformerOptions options;
  torch::nn::Linear in_proj{nullptr};   // [2 C, C]: rows for queries (and keys), then values
  torch::nn::Linear out_proj{nullptr};  // [C, C]
  torch::Tensor directions;             // [R, Dh, half the digits' sum], a buffer

 protected:
  torch::Tensor mix(const torch::Tensor& x, const MixerContext& context) override;
  std::map<std::string, torch::Tensor> first_state(
      int64_t batch, const torch::TensorOptions& options) const override;
  torch::Tensor advance(const torch::Tensor& x, MixerState& state,
                        const torch::Tensor& counts) override;

 private:
  LshOptions lsh(bool causal) const;
};

}  // namespace zoo
