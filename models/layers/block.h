// The transformer block. All five families stack this one block with different options.
// Vaswani et al. 2017 (arXiv:1706.03762), Figure 1; pre-norm: Xiong et al. 2020 (arXiv:2002.04745);
// norms on both sides: Ding et al. 2021 (arXiv:2105.13290), §2.4; parallel branches: Wang &
// Komatsuzaki 2021 (GPT-J); layer scale: Touvron et al. 2021 (arXiv:2103.17239), Eq. 4.
#pragma once
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <memory>
#include <optional>

#include "models/attention/multi_head_attention.h"
#include "models/experts/mixture_of_experts.h"
#include "models/layers/dropout.h"
#include "models/layers/feed_forward.h"
#include "models/layers/norm.h"
#include "models/mixers/mixer_options.h"

namespace zoo {

/// Where the norms go: after each residual sum (the paper), before each sub-layer (GPT-2 and
/// later), or before it and after it, inside the sum (CogView, Gemma 2).
enum class NormPlace { kPre, kPost, kSandwich };
template <>
struct EnumNames<NormPlace> {
  static constexpr std::string_view what = "norm place";
  static constexpr std::pair<NormPlace, std::string_view> values[] = {
      {NormPlace::kPre, "pre"}, {NormPlace::kPost, "post"}, {NormPlace::kSandwich, "sandwich"}};
};

/// Whether attention and feed-forward network read the same stream and add to it together, through
/// one norm (GPT-J, Phi) or each through its own (GPT-NeoX).
enum class ParallelBranches { kNone, kOneNorm, kTwoNorms };
template <>
struct EnumNames<ParallelBranches> {
  static constexpr std::string_view what = "parallel branches";
  static constexpr std::pair<ParallelBranches, std::string_view> values[] = {
      {ParallelBranches::kNone, "none"},
      {ParallelBranches::kOneNorm, "one-norm"},
      {ParallelBranches::kTwoNorms, "two-norms"}};
};

/// A mixer in the place of self-attention.
struct BlockMixer {
  MixerKind kind = MixerKind::kLinear;  ///< not kSoftmax
  MixerOptions options = {};
  MixerSizes sizes = {};
};

struct BlockOptions {
  MultiHeadAttentionOptions attention;
  std::optional<BlockMixer> mixer = {};  ///< unset: softmax attention
  FeedForwardOptions feed_forward;
  /// Experts in place of the feed-forward network; unset: none.
  std::optional<MixtureOfExpertsOptions> experts = {};
  NormOptions norm;
  NormPlace norm_place = NormPlace::kPre;
  ParallelBranches parallel = ParallelBranches::kNone;  ///< not with post-norm or cross-attention
  std::optional<MultiHeadAttentionOptions> cross_attention = {};  ///< a decoder's second sub-layer
  /// Two streams, which a stack leads through sub_layer(); not with post-norm or parallel branches.
  bool reversible = false;
  double residual_dropout = 0.0;  ///< on each sub-layer's output, before it is added
  double drop_path = 0.0;         ///< probability that a sample skips a sub-layer
  /// First value of a learned vector that scales each sub-layer's output; 0: no such vector.
  double layer_scale = 0.0;
};

class BlockImpl : public torch::nn::Module {
 public:
  explicit BlockImpl(const BlockOptions& options);
  /// x [B, T, C] -> [B, T, C]; cross-attention has its own keys, values and masks.
  torch::Tensor forward(const torch::Tensor& x, const SelfAttentionContext& context = {},
                        const CrossKeyValues* cross = nullptr, const AttendArgs& cross_args = {});
  int64_t sub_layers() const { return options.cross_attention ? 3 : 2; }
  /// What sub-layer n, in forward()'s order, adds to the stream where it reads x [B, T, C]; not
  /// with post-norm or parallel branches.
  torch::Tensor sub_layer(int64_t n, const torch::Tensor& x, const SelfAttentionContext& context,
                          const CrossKeyValues* cross = nullptr, const AttendArgs& cross_args = {});
  /// Self-attention or its mixer: y [B, T, C] -> [B, T, C]; the context's memory is of x. Throws
  /// c10::Error for masks, windows, biases and gates of heads that a mixer cannot honour.
  torch::Tensor mix(const torch::Tensor& y, const SelfAttentionContext& context);
  /// The feed-forward network or the experts: y [B, T, C] -> [B, T, C]. Of the context the lengths
  /// are read: padding takes no place of an expert.
  torch::Tensor feed(const torch::Tensor& y, const SelfAttentionContext& context);
  BlockOptions options;
  Norm attention_norm{nullptr}, cross_norm{nullptr};
  Norm feed_forward_norm{nullptr};  // empty where parallel branches share attention_norm
  /// After the sub-layers; empty but for norms on both sides.
  Norm attention_out_norm{nullptr}, cross_out_norm{nullptr}, feed_forward_out_norm{nullptr};
  MultiHeadAttention attention{nullptr};  // empty with a mixer
  std::shared_ptr<TokenMixer> mixer;      // null with softmax attention
  MultiHeadAttention cross_attention{nullptr};
  FeedForward feed_forward{nullptr};  // empty with experts
  MixtureOfExperts experts{nullptr};
  torch::Tensor attention_scale, cross_scale, feed_forward_scale;  // [C], or undefined
  Dropout dropout{nullptr};

 private:
  /// A sub-layer with what stands around it.
  struct Parts {
    Norm &norm, &out_norm;
    const torch::Tensor& scale;
  };
  template <class SubLayer>
  torch::Tensor residual(const torch::Tensor& x, const Parts& parts, SubLayer sub_layer);
  /// What a sub-layer adds to the stream, from its output y.
  torch::Tensor branch(torch::Tensor y, const Parts& parts);
  Norm register_norm(const char* name, bool wanted = true);
  torch::Tensor register_scale(const char* name);
};
TORCH_MODULE(Block);

}  // namespace zoo
