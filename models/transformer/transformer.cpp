// Encoder, decoder, and between them the keys and values of cross-attention.
#include "models/transformer/transformer.h"

#include <c10/util/Exception.h>
#include <torch/nn/init.h>

#include <cmath>

#include "base/option_checks.h"
#include "base/option_limits.h"
#include "models/cost/transformer_cost.h"
#include "models/layers/stack.h"

namespace zoo {
namespace {

std::shared_ptr<Position> position_for(const TransformerOptions& o, const StackOptions& stack,
                                       bool bidirectional) {
  return make_position(o, {.positions = o.context,
                           .embedding_width = o.d_model,
                           .heads = stack.heads,
                           .head_width = rotated_width(stack),
                           .bidirectional = bidirectional,
                           .model_width = o.d_model});
}

}  // namespace

TransformerImpl::TransformerImpl(const TransformerOptions& options_)
    : options(resolved(checked(options_))) {
  const auto& o = options;
  TORCH_CHECK(o.vocab_size > 0 && o.source_vocab_size > 0,
              "Transformer: vocabularies must not be empty, got ", o.vocab_size, " and ",
              o.source_vocab_size);
  const StackOptions encodes = encoder_stack(o), decodes = decoder_stack(o);
  source_embedding =
      register_module("source_embedding", torch::nn::Embedding(o.source_vocab_size, o.d_model));
  target_embedding = source_embedding;
  if (!o.share_embeddings) {
    target_embedding =
        register_module("target_embedding", torch::nn::Embedding(o.vocab_size, o.d_model));
  }
  source_position =
      register_module("source_position", position_for(o, encodes, /*bidirectional=*/true));
  target_position =
      register_module("target_position", position_for(o, decodes, /*bidirectional=*/false));
  const NormOptions norm = norm_options(o);
  if (o.norm_embeddings) {
    source_norm = register_module("source_norm", Norm(o.d_model, norm));
    target_norm = register_module("target_norm", Norm(o.d_model, norm));
  }
  embedding_dropout = register_module("embedding_dropout", Dropout(o.dropout));
  encoder = register_module("encoder", torch::nn::ModuleList());
  for (int64_t n = 0; n < o.encoder_layers; ++n)
    encoder->push_back(Block(block_options(encodes, n)));
  decoder = register_module("decoder", torch::nn::ModuleList());
  for (int64_t n = 0; n < o.decoder_layers; ++n)
    decoder->push_back(Block(block_options(decodes, n, /*cross_attention=*/true)));
  if (o.norm_place != NormPlace::kPost) {
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
  return decode(target, cross_keys_values(encoded, source_lengths));     // [B, T, C]
}

torch::Tensor TransformerImpl::logits_of(const torch::Tensor& hidden) {
  const auto& weight = lm_head ? lm_head->weight : target_embedding->weight;
  const auto bias = output_bias.defined() ? output_bias.squeeze(0) : output_bias;  // [V]
  const double C = static_cast<double>(options.d_model);
  return torch::linear(options.scale_output ? hidden / std::sqrt(C) : hidden, weight, bias);
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

std::vector<CrossKeyValues> TransformerImpl::cross_keys_values(const torch::Tensor& states,
                                                               const torch::Tensor& lengths) {
  std::vector<CrossKeyValues> layers;
  for (const auto& module : *decoder) {
    layers.push_back(
        module->as<BlockImpl>()->cross_attention->project_keys_values(states, lengths));
  }
  return layers;
}

torch::Tensor TransformerImpl::decode(const torch::Tensor& target,
                                      const std::vector<CrossKeyValues>& keys_values,
                                      const DecoderContext& context) {
  auto positions = context.positions;
  if (!positions.defined()) {
    positions = next_positions(target.size(1), context.cache, context.counts,
                               target_position->max_positions(), "Transformer");
  }
  StackContext stack{.layer = {.args = context.args,
                               .position = target_position.get(),
                               .positions = positions.to(target.device())},
                     .cache = context.cache,
                     .counts = context.counts,
                     .cross_keys_values = &keys_values,
                     .cross_args = context.cross_args,
                     .trace = context.trace,
                     .trace_prefix = "decoder_"};
  stack.layer.args.causal = true;
  const auto h =
      embed(target_embedding, *target_position, target_norm, target, stack.layer.positions);
  return run_stack(decoder, decoder_norm, h, stack);  // [B, T, C]
}

KvCache TransformerImpl::make_cache(int64_t batch, int64_t capacity) const {
  return zoo::make_cache(decoder, batch, capacity);
}

torch::Tensor TransformerImpl::embed(torch::nn::Embedding& table, const Position& position,
                                     Norm& norm, const torch::Tensor& tokens,
                                     const torch::Tensor& positions) {
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
  const auto modules_by_name = named_modules("", /*include_self=*/false);
  for (auto& parameter : named_parameters()) {
    const std::string& name = parameter.key();
    if (keeps_first_value(name)) continue;
    torch::Tensor& value = parameter.value();
    if (value.dim() < 2) {
      if (name.ends_with(".bias")) value.zero_();  // norms keep the ones they were made with
    } else if (name.ends_with("_embedding.weight") || name.ends_with("table.weight")) {
      value.normal_(0.0, embedding_std);
    } else if (!glorot) {
      value.normal_(0.0, options.init_std);
    } else if (name.ends_with("attention.in_proj.weight")) {
      const auto layer = modules_by_name[name.substr(0, name.rfind(".in_proj"))];
      for (auto& matrix : layer->as<MultiHeadAttentionImpl>()->qkv_matrices())
        torch::nn::init::xavier_uniform_(matrix);
    } else {
      torch::nn::init::xavier_uniform_(value);
    }
  }
}

TransformerOptions resolved(TransformerOptions o) {
  o.layers = o.encoder_layers;
  o.distance_keys = o.position == PositionKind::kTransformerXl;
  o.residual_dropout = o.dropout;
  if (o.share_embeddings || o.source_vocab_size == 0) o.source_vocab_size = o.vocab_size;
  if (o.decoder_heads == 0) o.decoder_heads = o.heads;
  if (o.feed_forward == 0) o.feed_forward = 4 * o.d_model;
  if (o.decoder_feed_forward == 0) o.decoder_feed_forward = o.feed_forward;
  return o;
}

StackOptions encoder_stack(const TransformerOptions& options) {
  StackOptions stack = resolved(options);
  stack.cross_pruned_heads.clear();
  stack.positions = options.context;
  resolve(stack);
  return stack;
}

StackOptions decoder_stack(const TransformerOptions& options) {
  const TransformerOptions o = resolved(options);
  StackOptions stack = o;
  stack.layers = o.decoder_layers;
  stack.heads = o.decoder_heads;
  stack.feed_forward = o.decoder_feed_forward;
  stack.pruned_heads = o.decoder_pruned_heads;
  stack.causal = true;
  stack.positions = o.context;
  resolve(stack);
  return stack;
}

void check(const TransformerOptions& o) {
  const bool has_table =
      o.position == PositionKind::kLearned || o.position == PositionKind::kSinusoidal;
  require_count("context", o.context, has_table ? 1 : 0);
  require_probability("dropout", o.dropout);
  StackOptions stack = o;
  stack.layers = o.encoder_layers;
  stack.cross_pruned_heads.clear();
  check_renamed({{"layers", "encoder-layers"}}, [&] { check(stack); });
  stack.layers = o.decoder_layers;
  if (o.decoder_heads != 0) stack.heads = o.decoder_heads;
  stack.feed_forward = o.decoder_feed_forward;
  stack.pruned_heads = o.decoder_pruned_heads;
  stack.cross_pruned_heads = o.cross_pruned_heads;
  check_renamed({{"layers", "decoder-layers"},
                 {"heads", "decoder-heads"},
                 {"pruned-heads", "decoder-pruned-heads"},
                 {"feed-forward", "decoder-feed-forward"}},
                [&] { check(stack); });
  for (const StackOptions& side : {encoder_stack(o), decoder_stack(o)}) {
    check_mixing(side, place_of(o.position));
    check(static_cast<const PositionOptions&>(o), rotated_width(side), /*bidirectional=*/true);
  }
  require_model_memory(cost_of(o, 1));
}

}  // namespace zoo
