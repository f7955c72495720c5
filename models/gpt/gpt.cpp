// A decoder-only language model: its parts, its pass over tokens, its first weights.
#include "models/gpt/gpt.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/option_checks.h"
#include "base/option_limits.h"
#include "models/cost/gpt_cost.h"
#include "models/layers/auxiliary_losses.h"
#include "models/layers/stack.h"

namespace zoo {
namespace {

void check_segment(const GptContext& context, const torch::Tensor& tokens, int64_t length) {
  TORCH_CHECK(context.causal && context.cache == nullptr && !context.positions.defined() &&
                  !context.args.key_lengths.defined() && !context.args.may_attend.defined(),
              "Gpt: a segment with memory has no cache, no padding, no mask and no position ids");
  TORCH_CHECK(tokens.size(1) <= length, "Gpt: a segment has at most the ", length,
              " tokens of the context, got ", tokens.size(1));
  const auto& layers = context.memory->layers;
  TORCH_CHECK(layers.empty() || layers.front().size(0) == tokens.size(0), "Gpt: the memory is of ",
              layers.empty() ? 0 : layers.front().size(0), " texts, the segment of ",
              tokens.size(0));
}

/// How a layer with this window, or none, sees far keys.
FarKeys far_keys(const GptOptions& o, std::optional<int64_t> window) {
  if (o.sinks > 0 && window) return {.near = *window, .sinks = o.sinks};
  if (o.self_extend > 1) return {.near = o.self_extend_window, .group = o.self_extend};
  return {};
}

}  // namespace

GptImpl::GptImpl(const GptOptions& options_) : options(resolved(checked(options_))) {
  const auto& o = options;
  TORCH_CHECK(o.vocab_size > 0, "Gpt: vocab_size must be positive, got ", o.vocab_size);
  token_embedding =
      register_module("token_embedding", torch::nn::Embedding(o.vocab_size, o.embedding_width));
  const bool projects = o.embedding_width != o.d_model;
  const auto linear = [](int64_t in, int64_t out) {
    return torch::nn::Linear(torch::nn::LinearOptions(in, out).bias(false));
  };
  if (projects)
    embedding_proj = register_module("embedding_proj", linear(o.embedding_width, o.d_model));
  position = register_module("position", make_position(o, {.positions = o.context,
                                                           .embedding_width = o.d_model,
                                                           .heads = o.heads,
                                                           .head_width = rotated_width(o),
                                                           .model_width = o.d_model}));
  if (o.norm_embeddings)
    embedding_norm = register_module("embedding_norm", Norm(o.d_model, norm_options(o)));
  embedding_dropout = register_module("embedding_dropout", Dropout(o.embedding_dropout));
  blocks = register_module("blocks", torch::nn::ModuleList());
  for (int64_t n = 0; n < o.layers; ++n) {
    auto block = block_options(o, n);
    block.attention.far = far_keys(o, block.attention.window);
    block.attention.segments = segments_of(o);
    blocks->push_back(Block(block));
  }
  if (o.norm_place != NormPlace::kPost)
    final_norm = register_module("final_norm", Norm(o.d_model, norm_options(o)));
  if (projects) output_proj = register_module("output_proj", linear(o.d_model, o.embedding_width));
  if (!o.tie_embeddings)
    lm_head = register_module("lm_head", linear(o.embedding_width, o.vocab_size));
  if (o.output_bias) output_bias = register_parameter("output_bias", torch::zeros({o.vocab_size}));
  if (o.future_tokens > 0) {
    future_tokens = register_module("future_tokens",
                                    FutureTokens(o.future_tokens, block_options(o, o.layers - 1)));
  }
  initialise();
}

torch::Tensor GptImpl::forward(const torch::Tensor& tokens, const GptContext& context) {
  return logits_of(hidden(tokens, context));  // [B, T, V]
}

torch::Tensor GptImpl::hidden(const torch::Tensor& tokens, const GptContext& context) {
  auto positions = context.positions;
  const bool in_order = options.sinks > 0 || options.self_extend > 1;
  TORCH_CHECK(!in_order || (!positions.defined() && !context.args.prefix_lengths.defined()),
              "Gpt: position ids of the caller do not go with sinks or SelfExtend, which derive "
              "theirs from the order of the tokens; nor does a prefix");
  if (context.memory != nullptr) check_segment(context, tokens, options.context);
  if (!positions.defined()) {
    positions = next_positions(tokens.size(1), context.cache, context.counts,
                               position->max_positions(), "Gpt");
  }
  positions = positions.to(tokens.device());
  StackContext stack{
      .layer = {.args = context.args, .position = position.get(), .positions = positions},
      .cache = context.cache,
      .counts = context.counts,
      .memory = context.memory,
      .trace = context.trace,
      .trace_prefix = context.trace_prefix,
      .trace_before_norm = context.trace_before_norm};
  stack.layer.args.causal = context.causal;

  auto h = token_embedding(tokens);           // [B, T, E]
  if (embedding_proj) h = embedding_proj(h);  // [B, T, C]
  if (options.scale_embeddings) h = h * std::sqrt(static_cast<double>(options.d_model));
  h = position->embed(h, positions);
  h = embedding_dropout(embedding_norm ? embedding_norm(h) : h);
  const auto states = run_stack(blocks, final_norm, h, stack);  // [B, T, C]
  if (!future_tokens || !is_training()) return states;
  return with_auxiliary_loss(states, "future_token_loss", options.future_token_loss, [&] {
    const auto logits = [&](const torch::Tensor& read) {
      return logits_of(final_norm ? final_norm(read) : read);
    };
    return future_tokens->loss(states, tokens, stack.layer, logits);
  });
}

torch::Tensor GptImpl::logits_of(const torch::Tensor& hidden) {
  const auto states = output_states(hidden);  // [..., E]
  auto logits =
      lm_head ? lm_head(states) : torch::linear(states, token_embedding->weight);  // [..., V]
  if (output_bias.defined()) logits = logits + output_bias;
  const double cap = options.logit_cap;
  return cap > 0.0 ? cap * torch::tanh(logits / cap) : logits;
}

torch::Tensor GptImpl::output_states(const torch::Tensor& hidden) {
  return output_proj ? output_proj(hidden) : hidden;
}

SegmentMemory GptImpl::make_memory() const {
  TORCH_CHECK(options.memory > 0, "Gpt: this model has no segment memory");
  return {.tokens = options.memory};
}

KvCache GptImpl::make_cache(int64_t batch, int64_t capacity) const {
  return zoo::make_cache(blocks, batch, capacity, /*rolling=*/!options.prefix_lm);
}

// Radford et al. 2019, §2.3: normal weights; those that add to the residual stream are smaller by 1
// / sqrt(2 L), because 2 L of them are summed.
void GptImpl::initialise() {
  const torch::NoGradGuard no_grad;
  const double residual_std =
      options.init_std / std::sqrt(2.0 * static_cast<double>(options.layers));
  for (auto& parameter : named_parameters()) {
    const std::string& name = parameter.key();
    if (keeps_first_value(name)) continue;
    torch::Tensor& value = parameter.value();
    if (value.dim() < 2) {
      if (name.ends_with(".bias")) value.zero_();  // norms keep the ones they were made with
    } else {
      value.normal_(0.0, name.ends_with("out_proj.weight") ? residual_std : options.init_std);
    }
  }
}

GptOptions resolved(GptOptions o) {
  o.causal = true;
  o.positions = o.context;
  o.distance_keys = o.position == PositionKind::kTransformerXl;
  resolve(o);
  if (o.embedding_width == 0) o.embedding_width = o.d_model;
  return o;
}

Segments segments_of(const GptOptions& o) {
  constexpr int64_t kLongest = int64_t{1} << 40;  // sums of hostile sizes stay numbers
  return {.length = std::min(o.context, kLongest), .memory = o.memory};
}

namespace {

void check_memory(const GptOptions& o) {
  require_at_least("memory", o.memory, 0);
  if (o.memory == 0) return;
  require_option(is_relative(o.position), "memory", o.memory,
                 fmt::format("0 with {} {}, which counts from the beginning of each segment",
                             option_name("position"), name_of(o.position)));
  const bool dynamic =
      o.position == PositionKind::kRotary && o.rotary.scaling == RotaryScaling::kDynamic;
  for (const auto& [option, given] :
       {std::pair(option_name("rotary-scaling") + " dynamic", dynamic),
        {option_name("mixer") + ", which has a state of its own", has_mixers(o)},
        {option_name("reversible") + ", which keeps no layer's input", o.reversible},
        {option_name("latent-width"), o.latent_width > 0},
        {option_name("sinks"), o.sinks > 0},
        {option_name("self-extend"), o.self_extend > 1},
        {option_name("global-tokens"), o.global_tokens > 0},
        {option_name("attention-blocks"), o.attention_blocks != BlockPattern::kNone},
        {option_name("prefix-lm"), o.prefix_lm},
        {option_name("future-tokens"), o.future_tokens > 0}})
    require_option(!given, "memory", o.memory, "0 with " + option);
  require_option(o.memory <= 1 << 24, "memory", o.memory, "at most 16777216");
}

void check_far_keys(const GptOptions& o) {
  require_count("sinks", o.sinks, 0);
  require_option(o.sinks == 0 || o.window > 0, "sinks", o.sinks,
                 "given with " + option_name("window"));
  require_count("self-extend", o.self_extend, 0);
  require_count("self-extend-window", o.self_extend_window, 0);
  const bool extends = o.self_extend > 1, rotary = o.position == PositionKind::kRotary;
  const bool follows_length = rotary && o.rotary.scaling == RotaryScaling::kDynamic;
  require_option(!extends || rotary, "self-extend", o.self_extend,
                 "0 without " + option_name("position") + " rotary");
  require_option(!extends || o.window == 0, "self-extend", o.self_extend,
                 "0 with " + option_name("window"));
  require_option(!extends || o.self_extend_window > 0, "self-extend-window", o.self_extend_window,
                 "1 or more with " + option_name("self-extend"));
  const bool sparse = o.global_tokens > 0 || o.attention_blocks != BlockPattern::kNone;
  require_option((!extends && o.sinks == 0) || (!sparse && !o.prefix_lm),
                 extends ? "self-extend" : "sinks", extends ? o.self_extend : o.sinks,
                 fmt::format("0 with {}, {} or {}", option_name("global-tokens"),
                             option_name("attention-blocks"), option_name("prefix-lm")));
  require_option(o.sinks == 0 || o.position != PositionKind::kTransformerXl, "sinks", o.sinks,
                 "0 with " + option_name("position") + " transformer-xl");
  require_option((!extends && o.sinks == 0) || o.latent_width == 0, "latent-width", o.latent_width,
                 "0 with " + option_name(extends ? "self-extend" : "sinks"));
  require_option((!extends && o.sinks == 0) || !follows_length, "rotary-scaling",
                 name_of(o.rotary.scaling),
                 fmt::format("another with {}", option_name(extends ? "self-extend" : "sinks")));
}

}  // namespace

void check(const GptOptions& o) {
  require_count("context", o.context, 1);
  check(static_cast<const StackOptions&>(o));
  check_mixing(resolved(o), place_of(o.position));
  check(static_cast<const PositionOptions&>(o), rotated_width(resolved(o)));
  require_at_least("embedding-width", o.embedding_width, 0);
  require_option(std::isfinite(o.logit_cap) && o.logit_cap >= 0.0, "logit-cap", o.logit_cap,
                 "0 or more");
  require_option(!o.prefix_lm || !has_mixers(o), "prefix-lm", o.prefix_lm,
                 "false with " + option_name("mixer") + ", which looks back only");
  require_probability("embedding-dropout", o.embedding_dropout);
  require_at_least("future-tokens", o.future_tokens, 0);
  require_option(o.future_tokens == 0 || !o.prefix_lm, "future-tokens", o.future_tokens,
                 "0 with " + option_name("prefix-lm") + ", whose prompts see what comes");
  require_option(std::isfinite(o.future_token_loss) && o.future_token_loss >= 0.0,
                 "future-token-loss", o.future_token_loss, "0 or more");
  check_far_keys(o);
  check_memory(o);
  require_model_memory(cost_of(o, 1));
}

void check_token_ids(const torch::Tensor& tokens, int64_t vocab_size, std::string_view who) {
  if (tokens.numel() == 0) return;
  const auto wrong = tokens.lt(0).logical_or(tokens.ge(vocab_size));
  if (!wrong.any().item<bool>()) return;
  const auto first = tokens.masked_select(wrong)[0].item<int64_t>();
  TORCH_CHECK(false, who, ": token id ", first, " is outside the vocabulary of ", vocab_size,
              " (0 to ", vocab_size - 1, ")");
}

}  // namespace zoo
