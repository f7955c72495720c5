// A decoder-only language model: its parts, its pass over tokens, its first weights.
#include "models/gpt/gpt.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <torch/nn/init.h>

#include <cmath>
#include <stdexcept>
#include <utility>

#include "base/option_checks.h"
#include "models/layers/stack.h"
#include "models/model_memory.h"
#include "models/positions/learned.h"
#include "models/positions/sinusoidal.h"

namespace zoo {
namespace {

std::shared_ptr<Position> make_position(const GptOptions& o) {
  switch (o.position) {
    case PositionKind::kNone:
      return std::make_shared<Position>();
    case PositionKind::kLearned:
      return std::make_shared<LearnedPosition>(o.context, o.d_model);
    case PositionKind::kSinusoidal:
      return std::make_shared<SinusoidalPosition>(o.context, o.d_model);
    case PositionKind::kRotary:
      return std::make_shared<RotaryPosition>(o.head_width, o.rotary);
  }
  TORCH_CHECK(false, "Gpt: unknown position scheme");
}

BlockOptions block_options(const GptOptions& o, int64_t layer) {
  double scale = o.scale_attention ? 1.0 / std::sqrt(static_cast<double>(o.head_width)) : 1.0;
  if (o.scale_by_layer) scale /= static_cast<double>(layer + 1);
  return {.attention = {.d_model = o.d_model,
                        .heads = o.heads,
                        .kv_heads = o.kv_heads,
                        .head_width = o.head_width,
                        .bias = o.attention_bias,
                        .out_bias = o.attention_bias,
                        .dropout = o.attention_dropout,
                        .scale = scale,
                        .kernel = o.attention},
          .feed_forward = {.d_model = o.d_model,
                           .width = o.feed_forward,
                           .activation = o.activation,
                           .bias = o.feed_forward_bias},
          .norm = {.kind = o.norm, .epsilon = o.norm_epsilon, .bias = o.norm_bias},
          .norm_place = o.norm_place,
          .residual_dropout = o.residual_dropout};
}

void check_rotary(const GptOptions& o, int64_t head_width) {
  if (o.position != PositionKind::kRotary) return;
  require_option(head_width % 2 == 0, "head-width", head_width, "even with rotary positions");
  require_option(std::isfinite(o.rotary.base) && o.rotary.base > 0.0, "rotary-base", o.rotary.base,
                 "positive");
  if (o.rotary.scaling == RotaryScaling::kNone) return;
  require_option(std::isfinite(o.rotary.factor) && o.rotary.factor > 0.0, "rotary-factor",
                 o.rotary.factor, "positive");
  if (o.rotary.scaling == RotaryScaling::kLinear) return;
  require_option(o.rotary.original_context > 0, "rotary-original-context",
                 o.rotary.original_context, "1 or more");
  require_option(o.rotary.high_frequency > o.rotary.low_frequency, "rotary-high-frequency",
                 o.rotary.high_frequency, "above --rotary-low-frequency");
}

void check_memory(const GptOptions& o) {
  const auto C = static_cast<double>(o.d_model), V = static_cast<double>(o.vocab_size);
  const double width =
      o.head_width > 0 ? static_cast<double>(o.head_width) : C / static_cast<double>(o.heads);
  const bool learned = o.position == PositionKind::kLearned;
  require_model_memory(
      {.layers = static_cast<double>(o.layers),
       .d_model = C,
       .feed_forward = static_cast<double>(o.feed_forward),
       .query_width = width * static_cast<double>(o.heads),
       .key_width = width * static_cast<double>(o.kv_heads),
       .table_weights = C * (V + (learned ? static_cast<double>(o.context) : 0.0))});
}

}  // namespace

void check(const GptOptions& o) {
  require_option(o.context >= 1, "context", o.context, "1 or more");
  require_option(o.layers >= 1, "layers", o.layers, "1 or more");
  require_option(o.d_model >= 1, "d-model", o.d_model, "1 or more");
  require_option(o.heads >= 1, "heads", o.heads, "1 or more");
  require_option(o.head_width >= 0, "head-width", o.head_width, "0 or more");
  require_option(o.feed_forward >= 0, "feed-forward", o.feed_forward, "0 or more");
  if (o.head_width == 0 && o.d_model % o.heads != 0) {
    throw std::invalid_argument(fmt::format(
        "--d-model must be a multiple of --heads, got {} and {}; change one, or name --head-width",
        o.d_model, o.heads));
  }
  if (o.kv_heads < 0 || (o.kv_heads > 0 && o.heads % o.kv_heads != 0)) {
    throw std::invalid_argument(fmt::format(
        "--kv-heads must divide --heads (or be 0: as many), got {} and {}", o.kv_heads, o.heads));
  }
  for (const auto& [option, value] : {std::pair("embedding-dropout", o.embedding_dropout),
                                      std::pair("attention-dropout", o.attention_dropout),
                                      std::pair("residual-dropout", o.residual_dropout)}) {
    require_option(value >= 0.0 && value < 1.0, option, value, "in [0, 1)");
  }
  require_option(std::isfinite(o.norm_epsilon) && o.norm_epsilon >= 0.0, "norm-epsilon",
                 o.norm_epsilon, "0 or more");
  require_option(std::isfinite(o.init_std) && o.init_std >= 0.0, "init-std", o.init_std,
                 "0 or more");
  check_rotary(o, o.head_width > 0 ? o.head_width : o.d_model / o.heads);
  check_memory(o);
}

GptOptions resolved(GptOptions o) {
  TORCH_CHECK(o.context > 0 && o.layers > 0, "Gpt: context and layers must be positive, got ",
              o.context, " and ", o.layers);
  TORCH_CHECK(o.d_model > 0 && o.heads > 0, "Gpt: d_model and heads must be positive, got ",
              o.d_model, " and ", o.heads);
  TORCH_CHECK(o.head_width > 0 || o.d_model % o.heads == 0,
              "Gpt: d_model must be a multiple of heads, got d_model ", o.d_model, " and heads ",
              o.heads, "; change one or name a head width");
  if (o.head_width == 0) o.head_width = o.d_model / o.heads;
  if (o.kv_heads == 0) o.kv_heads = o.heads;
  if (o.feed_forward == 0) o.feed_forward = 4 * o.d_model;
  return o;
}

GptImpl::GptImpl(const GptOptions& options_) : options(resolved(options_)) {
  TORCH_CHECK(options.vocab_size > 0, "Gpt: vocab_size must be positive, got ", options.vocab_size);
  check_memory(options);
  token_embedding =
      register_module("token_embedding", torch::nn::Embedding(options.vocab_size, options.d_model));
  position = register_module("position", make_position(options));
  embedding_dropout =
      register_module("embedding_dropout", torch::nn::Dropout(options.embedding_dropout));
  blocks = register_module("blocks", torch::nn::ModuleList());
  for (int64_t layer = 0; layer < options.layers; ++layer)
    blocks->push_back(Block(block_options(options, layer)));
  if (options.norm_place == NormPlace::kPre) {
    const NormOptions norm{
        .kind = options.norm, .epsilon = options.norm_epsilon, .bias = options.norm_bias};
    final_norm = register_module("final_norm", Norm(options.d_model, norm));
  }
  if (!options.tie_embeddings) {
    const auto linear = torch::nn::LinearOptions(options.d_model, options.vocab_size).bias(false);
    lm_head = register_module("lm_head", torch::nn::Linear(linear));
  }
  initialise();
}

torch::Tensor GptImpl::forward(const torch::Tensor& tokens, const GptContext& context) {
  return logits_of(hidden(tokens, context));  // [B, T, V]
}

torch::Tensor GptImpl::hidden(const torch::Tensor& tokens, const GptContext& context) {
  auto positions = context.positions;
  if (!positions.defined()) {
    positions = next_positions(tokens.size(1), context.caches, context.counts,
                               position->max_positions(), "Gpt");
  }
  positions = positions.to(tokens.device());
  StackContext stack{.layer = {.args = context.args,
                               .position = position.get(),
                               .positions = positions,
                               .counts = context.counts},
                     .caches = context.caches,
                     .trace = context.trace};
  stack.layer.args.causal = true;

  auto h = token_embedding(tokens);  // [B, T, C]
  if (options.scale_embeddings) h = h * std::sqrt(static_cast<double>(options.d_model));
  h = embedding_dropout(position->embed(h, positions));
  return run_stack(blocks, final_norm, h, stack);  // [B, T, C]
}

torch::Tensor GptImpl::logits_of(const torch::Tensor& hidden) {
  return lm_head ? lm_head(hidden) : torch::linear(hidden, token_embedding->weight);  // [..., V]
}

std::vector<KvCache> GptImpl::make_caches(int64_t batch, int64_t capacity) const {
  return zoo::make_caches(blocks, batch, capacity);
}

// Radford et al. 2019, §2.3: normal weights; those that add to the residual stream are smaller by 1
// / sqrt(2 L), because 2 L of them are summed.
void GptImpl::initialise() {
  const torch::NoGradGuard no_grad;
  const double residual_std =
      options.init_std / std::sqrt(2.0 * static_cast<double>(options.layers));
  for (auto& parameter : named_parameters()) {
    const std::string& name = parameter.key();
    torch::Tensor& value = parameter.value();
    if (value.dim() < 2) {
      if (name.ends_with(".bias")) value.zero_();  // norms keep the ones they were made with
    } else {
      value.normal_(0.0, name.ends_with("out_proj.weight") ? residual_std : options.init_std);
    }
  }
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
