// Turns a stack's options into those of its blocks, and checks their values.
#include "models/layers/stack_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/option_checks.h"
#include "base/option_limits.h"
#include "models/layers/drop_path.h"
#include "models/layers/pruned_heads.h"

namespace zoo {

namespace {

bool is_local(const StackOptions& o, int64_t n) {
  return o.window_pattern.at(static_cast<size_t>(n) % o.window_pattern.size()) == 'L';
}

void restrict_to_neighbours(MultiHeadAttentionOptions& attention, const StackOptions& o,
                            int64_t n) {
  if (o.window > 0) attention.window = o.window;
  attention.global_tokens = o.global_tokens;
  attention.blocks = layout_options(o, n);
}

std::optional<LatentOptions> latent_options(const StackOptions& o) {
  if (o.latent_width == 0) return std::nullopt;
  return LatentOptions{.width = o.latent_width,
                       .query_width = o.latent_query_width,
                       .rotary_width = o.latent_rotary_width,
                       .norm = norm_options(o)};
}

MixerSizes mixer_sizes(const StackOptions& o) {
  return {.d_model = o.d_model,
          .heads = o.heads,
          .positions = o.positions,
          .bias = o.attention_bias,
          .causal = o.causal,
          .attention = o.attention};
}

}  // namespace

BlockOptions block_options(const StackOptions& o, int64_t n, bool cross_attention) {
  const auto scale = [&](int64_t width) {
    if (o.scale_width > 0) width = o.scale_width;
    const double factor = o.scale_attention ? 1.0 / std::sqrt(static_cast<double>(width)) : 1.0;
    return o.scale_by_layer ? factor / static_cast<double>(n + 1) : factor;
  };
  const MultiHeadAttentionOptions whole{
      .d_model = o.d_model,
      .heads = o.heads,
      .kv_heads = o.kv_heads,
      .head_width = o.head_width,
      .bias = o.attention_bias && o.qkv_bias,
      .out_bias = o.attention_bias && o.out_bias,
      .dropout = o.attention_dropout,
      .head_dropout = o.head_dropout,
      .head_diversity = o.head_diversity / static_cast<double>(o.layers),
      .scale = scale(o.head_width + o.latent_rotary_width),
      .score_cap = o.score_cap,
      .qk_norm = o.qk_norm ? std::optional(norm_options(o)) : std::nullopt,
      .latent = latent_options(o),
      .distance_keys = o.distance_keys,
      .kernel = o.attention};
  std::optional<MultiHeadAttentionOptions> cross;
  if (cross_attention) {
    cross = without_heads(whole, parse_heads(o.cross_pruned_heads), n);
    cross->latent.reset();
    cross->distance_keys = false;
    cross->scale = scale(o.head_width);
  }
  auto own = without_heads(whole, parse_heads(o.pruned_heads), n);
  if (is_local(o, n)) restrict_to_neighbours(own, o, n);
  const FeedForwardOptions network{.d_model = o.d_model,
                                   .width = o.feed_forward,
                                   .activation = o.activation,
                                   .bias = o.feed_forward_bias,
                                   .dropout = o.activation_dropout};
  const MixerKind mixer = mixer_of_layer(o, n);
  return {.attention = own,
          .mixer = mixer == MixerKind::kSoftmax
                       ? std::nullopt
                       : std::optional(BlockMixer{mixer, o, mixer_sizes(o)}),
          .feed_forward = network,
          .experts = has_experts(o, n) ? std::optional(mixture_options(o, network)) : std::nullopt,
          .norm = norm_options(o),
          .norm_place = o.norm_place,
          .parallel = o.parallel,
          .cross_attention = cross,
          .reversible = o.reversible,
          .residual_dropout = o.residual_dropout,
          .drop_path = drop_path_of_layer(o.drop_path, n, o.layers),
          .layer_scale = o.layer_scale};
}

NormOptions norm_options(const StackOptions& o) {
  return {.kind = o.norm, .epsilon = o.norm_epsilon, .bias = o.norm_bias};
}

void resolve(StackOptions& o) {
  if (o.kv_heads == 0) o.kv_heads = o.heads;
  if (o.head_width == 0 && o.heads > 0) o.head_width = o.d_model / o.heads;
  if (o.feed_forward == 0) o.feed_forward = 4 * o.d_model;
  resolve(static_cast<ExpertOptions&>(o), o.feed_forward);
}

namespace {

void check_heads(const char* option, const std::string& pruned, const StackOptions& o) {
  try {
    check_pruned_heads(pruned, o.layers, {o.heads, o.kv_heads > 0 ? o.kv_heads : o.heads});
  } catch (const std::invalid_argument& error) {
    throw OptionError(fmt::format("{}: {}", option_name(option), error.what()));
  }
}

}  // namespace

void check(const StackOptions& o) {
  for (const auto& [option, value] :
       {std::pair("layers", o.layers), {"d-model", o.d_model}, {"heads", o.heads}}) {
    require_at_least(option, value, 1);
  }
  for (const auto& [option, value] : {std::pair("head-width", o.head_width),
                                      {"feed-forward", o.feed_forward},
                                      {"scale-width", o.scale_width}}) {
    require_at_least(option, value, 0);
  }
  if (o.head_width == 0 && o.d_model % o.heads != 0) {
    throw OptionError(
        fmt::format("{} must be a multiple of {}, got {} and {}; change one, or name {}",
                    option_name("d-model"), option_name("heads"), o.d_model, o.heads,
                    option_name("head-width")));
  }
  if (o.kv_heads < 0 || (o.kv_heads > 0 && o.heads % o.kv_heads != 0)) {
    throw OptionError(fmt::format("{} must divide {} (or be 0: as many), got {} and {}",
                                  option_name("kv-heads"), option_name("heads"), o.kv_heads,
                                  o.heads));
  }
  for (const auto& [option, value] : {std::pair("residual-dropout", o.residual_dropout),
                                      {"attention-dropout", o.attention_dropout},
                                      {"activation-dropout", o.activation_dropout},
                                      {"head-dropout", o.head_dropout},
                                      {"drop-path", o.drop_path}}) {
    require_probability(option, value);
  }
  for (const auto& [option, value] : {std::pair("norm-epsilon", o.norm_epsilon),
                                      {"head-diversity", o.head_diversity},
                                      {"score-cap", o.score_cap},
                                      {"layer-scale", o.layer_scale},
                                      {"init-std", o.init_std}}) {
    require_option(std::isfinite(value) && value >= 0.0, option, value, "0 or more");
  }
  for (const auto& [option, value] :
       {std::pair("head-dropout", o.head_dropout), {"head-diversity", o.head_diversity}}) {
    require_option(o.heads > 1 || value == 0.0, option, value,
                   fmt::format("0 with {} 1", option_name("heads")));
  }
  check(static_cast<const ExpertOptions&>(o));
  for (const int64_t layer : dense_layers(o)) {
    require_option(layer < o.layers, "dense-layers", o.dense_layers,
                   fmt::format("numbers of layers from 0 to {}", o.layers - 1));
  }
  require_count("window", o.window, 0);
  require_option(
      !o.window_pattern.empty() && o.window_pattern.find_first_not_of("LG") == std::string::npos,
      "window-pattern", o.window_pattern, "letters L (local) and G (global), as in LLLG");
  const bool has_local = o.window > 0 || o.attention_blocks != BlockPattern::kNone;
  require_option(has_local || o.window_pattern == "L", "window-pattern", o.window_pattern,
                 "given with " + option_name("window") + " or " + option_name("attention-blocks"));
  check(static_cast<const SparseOptions&>(o), o.window);
  require_option(o.parallel == ParallelBranches::kNone || o.norm_place != NormPlace::kPost,
                 "norm-place", name_of(o.norm_place),
                 "pre or sandwich where branches are parallel");
  require_option(!o.reversible || o.norm_place != NormPlace::kPost, "norm-place",
                 name_of(o.norm_place), "pre or sandwich with " + option_name("reversible"));
  require_option(!o.reversible || o.parallel == ParallelBranches::kNone, "parallel",
                 name_of(o.parallel), "none with " + option_name("reversible"));
  check_heads("pruned-heads", o.pruned_heads, o);
  check_heads("cross-pruned-heads", o.cross_pruned_heads, o);
}

bool counts_first_tokens(const StackOptions& o) {
  return (o.window > 0 && o.global_tokens > 0) || o.attention_blocks != BlockPattern::kNone;
}

bool drops(const StackOptions& o) {
  return o.residual_dropout > 0.0 || o.attention_dropout > 0.0 || o.activation_dropout > 0.0 ||
         o.head_dropout > 0.0 || o.drop_path > 0.0;
}

int64_t rotated_width(const StackOptions& o) {
  return o.latent_width > 0 ? o.latent_rotary_width : o.head_width;
}

namespace {

void check_latent(const StackOptions& o, PositionPlace positions) {
  for (const auto& [option, value] : {std::pair("latent-width", o.latent_width),
                                      {"latent-query-width", o.latent_query_width},
                                      {"latent-rotary-width", o.latent_rotary_width}}) {
    require_at_least(option, value, 0);
    require_option(o.latent_width > 0 || value == 0, option, value,
                   "0 without " + option_name("latent-width"));
  }
  if (o.latent_width == 0) return;
  const bool rotates = positions == PositionPlace::kRotation;
  require_option(rotates == (o.latent_rotary_width > 0) && o.latent_rotary_width % 2 == 0,
                 "latent-rotary-width", o.latent_rotary_width,
                 "an even number above 0 with rotary positions, and 0 with others");
  const std::string with = " with " + option_name("latent-width");
  require_option(!o.distance_keys, "position", "transformer-xl",
                 "another" + with + ", whose keys are no vectors of their own");
  require_option(o.kv_heads == o.heads, "kv-heads", o.kv_heads, "as many as heads" + with);
  require_option(!o.qk_norm, "qk-norm", "true", "false" + with);
  require_option(o.pruned_heads.empty(), "pruned-heads", o.pruned_heads, "empty" + with);
  require_option(o.head_diversity == 0.0, "head-diversity", o.head_diversity, "0" + with);
}

void check_mixers(const StackOptions& o, PositionPlace positions) {
  check(static_cast<const MixerOptions&>(o), mixer_sizes(o), o.layers);
  for (const auto& [layer, heads] : parse_heads(o.pruned_heads)) {
    require_option(mixer_of_layer(o, layer) == MixerKind::kSoftmax, "pruned-heads", o.pruned_heads,
                   "of layers with softmax attention");
  }
  const auto kinds = mixer_kinds(o);
  if (std::ranges::find(kinds, MixerKind::kSoftmax) != kinds.end()) return;
  // No layer is left on which these act.
  for (const auto& [option, changed] :
       {std::pair("kv-heads", o.kv_heads != o.heads),
        {"head-width", o.head_width * o.heads != o.d_model},
        {"qk-norm", o.qk_norm},
        {"window", o.window > 0},
        {"attention-blocks", o.attention_blocks != BlockPattern::kNone},
        {"scale-attention", !o.scale_attention},
        {"scale-width", o.scale_width > 0},
        {"out-bias", o.attention_bias && !o.out_bias},
        {"scale-by-layer", o.scale_by_layer},
        {"score-cap", o.score_cap > 0.0},
        {"attention-dropout", o.attention_dropout > 0.0},
        {"head-dropout", o.head_dropout > 0.0},
        {"head-diversity", o.head_diversity > 0.0},
        {"latent-width", o.latent_width > 0},
        {"position", positions != PositionPlace::kEmbeddings}}) {
    if (!changed) continue;
    throw OptionError(fmt::format(
        "{} acts on softmax attention, which no layer has with {}; leave it out, or name softmax "
        "in {}",
        option_name(option), option_name("mixer"), option_name("mixer-pattern")));
  }
}

}  // namespace

void check_mixing(const StackOptions& o, PositionPlace positions) {
  check_latent(o, positions);
  check_mixers(o, positions);
}

}  // namespace zoo
