// Options of a stack of transformer blocks, shared by all families: sizes, norms, biases, dropout,
// initial weights, kernel. Each rule about them is written once, here.
//
// A family inherits these options and sets its own defaults. Its visit() lists them with
// visit_stack(), its check() calls check(), its resolved() calls resolve(), and its model uses
// block_options(). If a family has one `dropout` for embeddings and sub-layers, its resolved()
// copies it to residual_dropout.
#pragma once
#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "models/experts/expert_options.h"
#include "models/layers/block.h"
#include "models/layers/sparse_options.h"

namespace zoo {

struct StackOptions : ExpertOptions, SparseOptions, MixerOptions {
  int64_t layers = 4;        ///< L
  int64_t d_model = 128;     ///< C
  int64_t heads = 4;         ///< H
  int64_t kv_heads = 0;      ///< Hkv; 0: same as heads
  int64_t head_width = 0;    ///< Dh; 0: d_model / heads
  int64_t feed_forward = 0;  ///< F; 0: 4 d_model
  /// Heads that layers do without ("0:1,3 2:0": pruned_heads.h); `heads` counts them all the same.
  std::string pruned_heads = {};
  std::string cross_pruned_heads = {};  ///< of cross-attention
  Activation activation = Activation::kGelu;
  NormKind norm = NormKind::kLayer;
  NormPlace norm_place = NormPlace::kPre;
  ParallelBranches parallel = ParallelBranches::kNone;
  bool reversible = false;  ///< two streams; backward computes activations anew (reversible.h)
  double norm_epsilon = 1e-5;
  bool norm_bias = true;
  bool qk_norm = false;  ///< norms of queries and keys, of the same kind
  int64_t window = 0;    ///< local layers see so many tokens back, their own included; 0: all
  /// Which layers are local (L) and which see all (G), repeated over the layers: "LLLG".
  std::string window_pattern = "L";
  int64_t latent_width = 0;         ///< r: latent attention (latent_projections.h); 0: none
  int64_t latent_query_width = 0;   ///< of the queries' latent vector; 0: none
  int64_t latent_rotary_width = 0;  ///< Dr: what rotates, with rotary positions
  bool attention_bias = true;       ///< on all attention projections
  bool qkv_bias = true;             ///< false: none on queries, keys and values
  bool out_bias = true;             ///< false: none on what attention gives out
  bool feed_forward_bias = true;
  bool scale_attention = true;      ///< scale scores by 1 / sqrt(scale_width)
  int64_t scale_width = 0;          ///< 0: Dh
  bool scale_by_layer = false;      ///< also divide the scores of layer n (from 1) by n
  double score_cap = 0.0;           ///< scores s become score_cap tanh(s / score_cap); 0: no cap
  double residual_dropout = 0.0;    ///< on each sub-layer's output
  double attention_dropout = 0.0;   ///< on the attention weights
  double activation_dropout = 0.0;  ///< on the hidden layer of the feed-forward network
  double head_dropout = 0.0;        ///< DropHead: probability that an example goes without a head
  /// Weight of a penalty on heads with similar outputs: the mean over layers of head_similarity()
  double head_diversity = 0.0;
  double drop_path = 0.0;    ///< stochastic depth of the last layer; grows linearly from 0
  double layer_scale = 0.0;  ///< initial value of a learned scale on each sub-layer output; 0: none
  double init_std = 0.02;    ///< standard deviation of initial weights
  std::string attention = "torch";  ///< kernel of attend()

  // What layers need to know of the family, whose resolved() sets it.
  bool distance_keys = false;  ///< position scheme transformer-xl
  bool causal = false;
  int64_t positions = 0;  ///< longest sequence
};

/// The fields for command lines, recipes and config.json's "zoo", except those in `skipped`, which
/// the family does not have or has under another name.
template <class Visitor>
void visit_stack(StackOptions& o, std::initializer_list<std::string_view> skipped, Visitor&& v) {
  const auto field = [&](const char* name, auto& value, const char* help) {
    if (std::find(skipped.begin(), skipped.end(), name) == skipped.end()) v(name, value, help);
  };
  field("layers", o.layers, "L: number of layers");
  field("d-model", o.d_model, "C: width of the residual stream");
  field("heads", o.heads, "H: attention heads");
  field("kv-heads", o.kv_heads, "Key-value heads, dividing heads (0: as heads)");
  field("head-width", o.head_width, "Dh: width of a head (0: d-model / heads)");
  field("pruned-heads", o.pruned_heads, "Heads that layers lack: LAYER:HEAD,HEAD LAYER:...");
  field("feed-forward", o.feed_forward, "F: width of the feed-forward network (0: 4 d-model)");
  field("activation", o.activation, "Feed-forward activation");
  field("norm", o.norm, "Normalisation");
  field("norm-place", o.norm_place, "Norm before or after each sub-layer, or both");
  field("parallel", o.parallel, "Attention and feed-forward network side by side");
  field("reversible", o.reversible,
        "Two residual streams: memory of activations does not grow with layers");
  field("qk-norm", o.qk_norm, "Norms of queries and keys, head by head");
  field("window", o.window, "Tokens that a local layer sees back, its own included (0: all)");
  field("window-pattern", o.window_pattern, "Local (L) and global (G) layers, repeated: LLLG");
  field("norm-epsilon", o.norm_epsilon, "Added to the variance");
  field("norm-bias", o.norm_bias, "Layer norm with a shift");
  field("latent-width", o.latent_width,
        "Latent attention: numbers from which keys and values come (0: none)");
  field("latent-query-width", o.latent_query_width,
        "Latent attention: numbers from which queries come (0: all of d-model)");
  field("latent-rotary-width", o.latent_rotary_width,
        "Latent attention: numbers of queries and keys that rotate");
  field("attention-bias", o.attention_bias, "Biases in attention's projections");
  field("qkv-bias", o.qkv_bias, "Biases of queries, keys and values");
  field("out-bias", o.out_bias, "Bias of attention's output projection");
  field("feed-forward-bias", o.feed_forward_bias, "Biases in the feed-forward network");
  field("scale-attention", o.scale_attention, "Scores divided by sqrt(scale-width)");
  field("scale-width", o.scale_width, "Whose square root divides scores (0: head-width)");
  field("scale-by-layer", o.scale_by_layer, "Scores of layer n divided by n as well");
  field("score-cap", o.score_cap, "Cap of the scores: cap tanh(score / cap) (0: none)");
  field("residual-dropout", o.residual_dropout, "Dropout on each sub-layer's output");
  field("attention-dropout", o.attention_dropout, "Dropout on the attention weights");
  field("activation-dropout", o.activation_dropout, "Dropout inside the feed-forward network");
  field("head-dropout", o.head_dropout, "DropHead: share of heads that an example goes without");
  field("head-diversity", o.head_diversity, "Weight of a penalty on heads with similar outputs");
  field("drop-path", o.drop_path, "Stochastic depth of the last layer, growing from 0");
  field("layer-scale", o.layer_scale, "First value of a learned factor on each output (0: none)");
  field("init-std", o.init_std, "Standard deviation of the initial weights");
  field("attention", o.attention, "Attention kernel");
  visit_sparse(o, skipped, v);
  visit_experts(o, skipped, v);
  visit_mixers(o, skipped, v);
}

/// Throws OptionError for values that no stack can have.
void check(const StackOptions& options);

/// Throws OptionError for mixers and latent attention that do not fit the other options, resolved,
/// or the family.
void check_mixing(const StackOptions& options, PositionPlace positions);

/// Whether layers see the first tokens of a text, or blocks counted from its first: padding before
/// them would change the result.
bool counts_first_tokens(const StackOptions& options);

/// Whether training draws random numbers: dropout, DropHead, stochastic depth.
bool drops(const StackOptions& options);

/// The width of the part of a head that rotary positions may rotate.
int64_t rotated_width(const StackOptions& options);

/// Fills in the sizes that are 0.
void resolve(StackOptions& options);

/// Options of block n (from 0); sizes must be resolved.
BlockOptions block_options(const StackOptions& options, int64_t n, bool cross_attention = false);

/// For all norms of the stack, including those outside the blocks.
NormOptions norm_options(const StackOptions& options);

}  // namespace zoo
