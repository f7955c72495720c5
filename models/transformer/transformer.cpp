// Encoder, decoder, and what stands between them: the memory.
#include "models/transformer/transformer.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <torch/nn/init.h>

#include <cmath>
#include <stdexcept>

#include "base/option_checks.h"
#include "models/layers/stack.h"
#include "models/model_memory.h"
#include "models/positions/learned.h"
#include "models/positions/rotary.h"

namespace zoo {
namespace {

std::shared_ptr<Position> make_position(const TransformerOptions& o, int64_t heads) {
  switch (o.position) {
    case PositionKind::kNone:
      return std::make_shared<Position>();
    case PositionKind::kLearned:
      return std::make_shared<LearnedPosition>(o.context, o.d_model, o.position_offset);
    case PositionKind::kSinusoidal:
      return std::make_shared<SinusoidalPosition>(o.context, o.d_model, o.sinusoids);
    case PositionKind::kRotary:
      return std::make_shared<RotaryPosition>(o.d_model / heads, RotaryOptions{});
  }
  TORCH_CHECK(false, "Transformer: unknown position scheme");
}

BlockOptions block_options(const TransformerOptions& o, bool decoder) {
  return {.attention = {.d_model = o.d_model,
                        .heads = decoder ? o.decoder_heads : o.heads,
                        .dropout = o.attention_dropout,
                        .kernel = o.attention},
          .feed_forward = {.d_model = o.d_model,
                           .width = decoder ? o.decoder_feed_forward : o.feed_forward,
                           .activation = o.activation,
                           .dropout = o.activation_dropout},
          .norm = {.epsilon = o.norm_epsilon},
          .norm_place = o.norm_place,
          .cross_attention = decoder,
          .residual_dropout = o.dropout};
}

void require_heads(const TransformerOptions& o, const char* option, int64_t heads) {
  require_option(heads >= 1, option, heads, "1 or more");
  if (o.d_model % heads != 0) {
    throw std::invalid_argument(
        fmt::format("--d-model must be a multiple of --{}, got {} and {}; change one", option,
                    o.d_model, heads));
  }
  if (o.position == PositionKind::kRotary)
    require_option(o.d_model / heads % 2 == 0, option, heads,
                   "such that heads have an even width, for rotary positions");
}

}  // namespace

void check(const TransformerOptions& o) {
  require_option(o.context >= 1, "context", o.context, "1 or more");
  require_option(o.encoder_layers >= 1, "encoder-layers", o.encoder_layers, "1 or more");
  require_option(o.decoder_layers >= 1, "decoder-layers", o.decoder_layers, "1 or more");
  require_option(o.d_model >= 1, "d-model", o.d_model, "1 or more");
  require_heads(o, "heads", o.heads);
  if (o.decoder_heads != 0) require_heads(o, "decoder-heads", o.decoder_heads);
  require_option(o.feed_forward >= 0, "feed-forward", o.feed_forward, "0 or more");
  require_option(o.decoder_feed_forward >= 0, "decoder-feed-forward", o.decoder_feed_forward,
                 "0 or more");
  require_option(o.position_offset >= 0, "position-offset", o.position_offset, "0 or more");
  for (const auto& [option, value] :
       {std::pair("dropout", o.dropout), std::pair("attention-dropout", o.attention_dropout),
        std::pair("activation-dropout", o.activation_dropout)}) {
    require_option(value >= 0.0 && value < 1.0, option, value, "in [0, 1)");
  }
  require_option(std::isfinite(o.norm_epsilon) && o.norm_epsilon >= 0.0, "norm-epsilon",
                 o.norm_epsilon, "0 or more");
  require_option(std::isfinite(o.init_std) && o.init_std >= 0.0, "init-std", o.init_std,
                 "0 or more");
  const auto C = static_cast<double>(o.d_model);
  require_model_memory(
      {.layers = static_cast<double>(o.encoder_layers) + static_cast<double>(o.decoder_layers),
       .d_model = C,
       .feed_forward = static_cast<double>(o.feed_forward),
       .table_weights = C * static_cast<double>(o.vocab_size)});
}

TransformerOptions resolved(TransformerOptions o) {
  if (o.share_embeddings || o.source_vocab_size == 0) o.source_vocab_size = o.vocab_size;
  if (o.decoder_heads == 0) o.decoder_heads = o.heads;
  if (o.feed_forward == 0) o.feed_forward = 4 * o.d_model;
  if (o.decoder_feed_forward == 0) o.decoder_feed_forward = o.feed_forward;
  return o;
}

TransformerImpl::TransformerImpl(const TransformerOptions& options_) : options(resolved(options_)) {
  const auto& o = options;
  TORCH_CHECK(o.vocab_size > 0 && o.source_vocab_size > 0,
              "Transformer: vocabularies must not be empty, got ", o.vocab_size, " and ",
              o.source_vocab_size);
  TORCH_CHECK(o.context > 0 && o.encoder_layers > 0 && o.decoder_layers > 0,
              "Transformer: context and layers must be positive, got ", o.context, ", ",
              o.encoder_layers, " and ", o.decoder_layers);
  source_embedding =
      register_module("source_embedding", torch::nn::Embedding(o.source_vocab_size, o.d_model));
  target_embedding = source_embedding;
  if (!o.share_embeddings) {
    target_embedding =
        register_module("target_embedding", torch::nn::Embedding(o.vocab_size, o.d_model));
  }
  source_position = register_module("source_position", make_position(o, o.heads));
  target_position = register_module("target_position", make_position(o, o.decoder_heads));
  const NormOptions norm{.epsilon = o.norm_epsilon};
  if (o.norm_embeddings) {
    source_norm = register_module("source_norm", Norm(o.d_model, norm));
    target_norm = register_module("target_norm", Norm(o.d_model, norm));
  }
  embedding_dropout = register_module("embedding_dropout", torch::nn::Dropout(o.dropout));
  encoder = register_module("encoder", torch::nn::ModuleList());
  for (int64_t n = 0; n < o.encoder_layers; ++n) encoder->push_back(Block(block_options(o, false)));
  decoder = register_module("decoder", torch::nn::ModuleList());
  for (int64_t n = 0; n < o.decoder_layers; ++n) decoder->push_back(Block(block_options(o, true)));
  if (o.norm_place == NormPlace::kPre) {
    encoder_norm = register_module("encoder_norm", Norm(o.d_model, norm));
    decoder_norm = register_module("decoder_norm", Norm(o.d_model, norm));
  }
  if (!o.tie_embeddings) {
    const auto linear = torch::nn::LinearOptions(o.d_model, o.vocab_size).bias(false);
    lm_head = register_module("lm_head", torch::nn::Linear(linear));
  }
  if (o.output_bias) output_bias = register_buffer("output_bias", torch::zeros({1, o.vocab_size}));
  initialise();
}

torch::Tensor TransformerImpl::forward(const torch::Tensor& source,
                                       const torch::Tensor& source_lengths,
                                       const torch::Tensor& target) {
  return logits_of(hidden(source, source_lengths, target));  // [B, T, V]
}

torch::Tensor TransformerImpl::hidden(const torch::Tensor& source,
                                      const torch::Tensor& source_lengths,
                                      const torch::Tensor& target) {
  const auto encoded = encode(source, {.key_lengths = source_lengths});  // [B, S, C]
  return decode(target, remember(encoded, source_lengths));              // [B, T, C]
}

torch::Tensor TransformerImpl::logits_of(const torch::Tensor& hidden) {
  const auto& weight = lm_head ? lm_head->weight : target_embedding->weight;
  const auto bias = output_bias.defined() ? output_bias.squeeze(0) : output_bias;  // [V]
  return torch::linear(hidden, weight, bias);                                      // [..., V]
}

torch::Tensor TransformerImpl::encode(const torch::Tensor& source, const AttendArgs& args,
                                      Trace* trace) {
  const auto positions =
      next_positions(source.size(1), nullptr, {}, source_position->max_positions(), "Transformer");
  StackContext stack{.layer = {.args = args,
                               .position = source_position.get(),
                               .positions = positions.to(source.device())},
                     .trace = trace,
                     .trace_prefix = "encoder_"};
  const auto h =
      embed(source_embedding, *source_position, source_norm, source, stack.layer.positions);
  return run_stack(encoder, encoder_norm, h, stack);  // [B, S, C]
}

std::vector<Memory> TransformerImpl::remember(const torch::Tensor& encoded,
                                              const torch::Tensor& lengths) {
  std::vector<Memory> memory;
  for (const auto& module : *decoder) {
    memory.push_back(module->as<BlockImpl>()->cross_attention->project_memory(encoded, lengths));
  }
  return memory;
}

torch::Tensor TransformerImpl::decode(const torch::Tensor& target,
                                      const std::vector<Memory>& memory,
                                      const DecoderContext& context) {
  auto positions = context.positions;
  if (!positions.defined()) {
    positions = next_positions(target.size(1), context.caches, context.counts,
                               target_position->max_positions(), "Transformer");
  }
  StackContext stack{.layer = {.args = context.args,
                               .position = target_position.get(),
                               .positions = positions.to(target.device()),
                               .counts = context.counts},
                     .caches = context.caches,
                     .memory = &memory,
                     .cross_args = context.cross_args,
                     .trace = context.trace,
                     .trace_prefix = "decoder_"};
  stack.layer.args.causal = true;
  const auto h =
      embed(target_embedding, *target_position, target_norm, target, stack.layer.positions);
  return run_stack(decoder, decoder_norm, h, stack);  // [B, T, C]
}

std::vector<KvCache> TransformerImpl::make_caches(int64_t batch, int64_t capacity) const {
  return zoo::make_caches(decoder, batch, capacity);
}

torch::Tensor TransformerImpl::embed(torch::nn::Embedding& table, Position& position, Norm& norm,
                                     const torch::Tensor& tokens, const torch::Tensor& positions) {
  auto h = table(tokens);  // [B, T, C]
  if (options.scale_embeddings) h = h * std::sqrt(static_cast<double>(options.d_model));
  h = position.embed(h, positions);
  if (norm) h = norm(h);
  return embedding_dropout(h);
}

// Glorot & Bengio 2010, §4.2.1, for each matrix of its own (queries, keys and values are three), as
// in the authors' code; embeddings normal with deviation 1 / sqrt(C), so that scaled by sqrt(C)
// they have deviation 1.
void TransformerImpl::initialise() {
  const torch::NoGradGuard no_grad;
  const bool glorot = options.init_std == 0.0;
  const double embedding_std =
      glorot ? 1.0 / std::sqrt(static_cast<double>(options.d_model)) : options.init_std;
  for (auto& parameter : named_parameters()) {
    const std::string& name = parameter.key();
    torch::Tensor& value = parameter.value();
    if (value.dim() < 2) {
      if (name.ends_with(".bias")) value.zero_();  // norms keep the ones they were made with
    } else if (name.ends_with("_embedding.weight") || name.ends_with("table.weight")) {
      value.normal_(0.0, embedding_std);
    } else if (!glorot) {
      value.normal_(0.0, options.init_std);
    } else {
      const bool fused = name.ends_with("attention.in_proj.weight");
      for (auto& matrix : value.chunk(fused ? 3 : 1, 0)) torch::nn::init::xavier_uniform_(matrix);
    }
  }
}

}  // namespace zoo
