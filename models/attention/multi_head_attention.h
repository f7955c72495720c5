// Multi-head attention: Vaswani et al. 2017 (arXiv:1706.03762), §3.2.2, with grouped key-value
// heads (Ainslie et al. 2023, arXiv:2305.13245). Differs from the paper: optional biases; the three
// input projections are one matrix, one product.
#pragma once
#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <optional>
#include <string>
#include <vector>

#include "models/attention/attend.h"
#include "models/attention/block_layout.h"
#include "models/attention/far_keys.h"
#include "models/attention/kv_cache.h"
#include "models/attention/latent_projections.h"
#include "models/attention/segment_memory.h"
#include "models/layers/norm.h"
#include "models/positions/position.h"

namespace zoo {

struct MultiHeadAttentionOptions {
  int64_t d_model = 0;               ///< C: width of the residual stream
  int64_t heads = 0;                 ///< H
  int64_t kv_heads = 0;              ///< Hkv: divides heads; 0: as heads
  int64_t head_width = 0;            ///< Dh; 0: d_model / heads
  bool bias = true;                  ///< on the input projections
  bool out_bias = true;              ///< on the output projection
  double dropout = 0.0;              ///< on the attention weights
  double head_dropout = 0.0;         ///< probability that an example goes without a head
  double head_diversity = 0.0;       ///< weight of the penalty head_similarity()
  std::optional<double> scale = {};  ///< of the scores; unset: 1 / sqrt(Dh)
  double score_cap = 0.0;            ///< as AttendArgs::score_cap
  /// A norm of each query and each key, over a head's width and before positions (Dehghani et al.
  /// 2023, arXiv:2302.05442, §2: scores stay small); unset: none.
  std::optional<NormOptions> qk_norm = {};
  /// Keys and values come from a latent vector, which alone is cached; no cross-attention. Unset:
  /// no.
  std::optional<LatentOptions> latent = {};
  bool distance_keys = false;  ///< projects distances: position scheme transformer-xl
  // What self-attention sees, besides what a call says; not of cross-attention.
  std::optional<int64_t> window = {};  ///< as AttendArgs::window
  int64_t global_tokens = 0;           ///< as AttendArgs::global_tokens
  BlockLayoutOptions blocks = {};      ///< a call's own layout comes before it
  FarKeys far = {};                    ///< of causal attention; with sinks, `near` is the window
  Segments segments = {};              ///< of a causal text, where the call gives no memory
  std::string kernel = "torch";        ///< attend()'s kernel
  /// Which heads of the position scheme these are, for a layer that lacks some; empty: all.
  std::vector<int64_t> position_heads = {};
};

/// What a layer needs to know besides its input. Position and cache belong to the stack; null is
/// none.
struct SelfAttentionContext {
  AttendArgs args = {};
  const Position* position = nullptr;
  /// [B, T] or [1, T] int64: position ids; needed with a position scheme
  torch::Tensor positions = {};
  std::optional<KvLayer> cache = {};
  /// [B, M, C]: inputs of the M tokens before these, without a cache; undefined: none.
  torch::Tensor memory = {};
  /// What the scheme gives for these ids and keys, equal in all layers: place() sets it once for
  /// all; where nobody has, the layer does for itself.
  bool placed = false;
  Rotation rotation = {};            // of the new tokens
  Rotation key_rotation = {};        // of all keys, where cache or memory hold them unrotated
  torch::Tensor relative_bias = {};  // [H, T + S - 1]
  DistanceVectors distances = {};
};

/// Asks the position scheme, where there is one, for a pass of T tokens; `pass`: its plan for the
/// cache, or null.
void place(SelfAttentionContext& context, int64_t T, const KvPass* pass);

/// Keys and values of cross-attention: computed once from the encoder's output, constant while
/// decoding.
struct CrossKeyValues {
  torch::Tensor k, v;     // [B, Hkv, S, Dh]
  torch::Tensor lengths;  // [B] int64, or undefined
};

class MultiHeadAttentionImpl : public torch::nn::Module {
 public:
  explicit MultiHeadAttentionImpl(const MultiHeadAttentionOptions& options);
  /// Self-attention: x [B, T, C] -> [B, T, C].
  torch::Tensor forward(const torch::Tensor& x, const SelfAttentionContext& context = {});
  /// Cross-attention: queries from x [B, T, C], keys and values of project_keys_values -> [B, T,
  /// C].
  torch::Tensor cross(const torch::Tensor& x, const CrossKeyValues& keys_values,
                      const AttendArgs& args = {});
  /// encoder states [B, S, C] -> keys and values, to be computed once and used at every step of
  /// decoding.
  CrossKeyValues project_keys_values(const torch::Tensor& states,
                                     const torch::Tensor& lengths = {});

  /// in_proj.weight in three: queries [H Dh, C], keys and values [Hkv Dh, C].
  std::vector<torch::Tensor> qkv_matrices() const;
  /// What the cache keeps of a token.
  KvCache::LayerShape cached() const;

  MultiHeadAttentionOptions options;  // zeros replaced by what they stand for
  LatentProjections latent{nullptr};  // in the place of in_proj
  torch::nn::Linear in_proj{
      nullptr};  // [H Dh + 2 Hkv Dh, C]: rows for queries, then keys, then values
  torch::nn::Linear out_proj{nullptr};       // [C, H Dh]
  torch::nn::Linear distance_proj{nullptr};  // [Hkv Dh, C]; empty without distance_keys
  Norm q_norm{nullptr}, k_norm{nullptr};     // over Dh; empty without qk_norm

 private:
  struct Heads {
    torch::Tensor q, k, v;
  };
  /// x [B, T, C] -> q, k, v, or with latent vectors q, and these in the place of both.
  Heads project_in(const torch::Tensor& x);
  /// q, k, v as project_in() gives them, rotated, k and v of all keys -> [B, H, T, Dh]
  torch::Tensor attend_to(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                          const AttendArgs& args);
  torch::Tensor near_and_far(const torch::Tensor& q, torch::Tensor k, torch::Tensor v,
                             const SelfAttentionContext& context, AttendArgs args) const;
  /// y [B, H, T, Dh] -> [B, T, C]. lengths: [B] of the queries, or undefined.
  torch::Tensor project_out(torch::Tensor y, const torch::Tensor& lengths = {});
  /// The layer's own restrictions, of T queries and S keys.
  void restrict(AttendArgs& args, int64_t T, int64_t S, const SelfAttentionContext& context) const;
  void restrict_to_segments(AttendArgs& args, int64_t T, const SelfAttentionContext& context) const;
  void add_relative_bias(AttendArgs& args, torch::Tensor bias, int64_t T, int64_t S) const;
  /// Queries with content_bias; the scores of distances become a bias.
  torch::Tensor compare_distances(AttendArgs& args, const torch::Tensor& q, int64_t S,
                                  const DistanceVectors& distances) const;
  /// t [H, ...] of the position scheme's heads -> of this layer's.
  torch::Tensor of_own_heads(const torch::Tensor& t) const;
  AttendArgs with_options(AttendArgs args, const torch::Tensor& x) const;
};
TORCH_MODULE(MultiHeadAttention);

}  // namespace zoo
