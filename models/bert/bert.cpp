// An encoder of text: its parts, its pass over tokens, its first weights.
#include "models/bert/bert.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include "base/option_checks.h"
#include "base/option_limits.h"
#include "models/cost/bert_cost.h"
#include "models/layers/stack.h"

namespace zoo {

BertImpl::BertImpl(const BertOptions& options_) : options(resolved(checked(options_))) {
  const auto& o = options;
  TORCH_CHECK(o.vocab_size > 0, "Bert: vocab_size must be positive, got ", o.vocab_size);
  const int64_t E = o.embedding_width > 0 ? o.embedding_width : o.d_model;
  token_embedding = register_module("token_embedding", torch::nn::Embedding(o.vocab_size, E));
  position =
      register_module("position", make_position(o, {.positions = o.context + o.position_padding + 1,
                                                    .embedding_width = E,
                                                    .heads = o.heads,
                                                    .head_width = rotated_width(o),
                                                    .bidirectional = true,
                                                    .model_width = o.d_model}));
  if (o.segments > 0)
    segment_embedding = register_module("segment_embedding", torch::nn::Embedding(o.segments, E));
  embedding_norm = register_module("embedding_norm", Norm(E, norm_options(o)));
  embedding_dropout = register_module("embedding_dropout", Dropout(o.dropout));
  if (o.embedding_width > 0)
    embedding_proj = register_module("embedding_proj", torch::nn::Linear(E, o.d_model));
  blocks = register_module("blocks", torch::nn::ModuleList());
  for (int64_t n = 0; n < o.shared_blocks; ++n) blocks->push_back(Block(block_options(o, n)));
  if (o.norm_place != NormPlace::kPost)
    final_norm = register_module("final_norm", Norm(o.d_model, norm_options(o)));
  if (o.pooler) pooler = register_module("pooler", torch::nn::Linear(o.d_model, o.d_model));
  initialise_bert(*this, o.init_std);
}

torch::Tensor BertImpl::forward(const torch::Tensor& tokens, const BertContext& context) {
  BertContext settled = context;
  if (!settled.positions.defined()) settled.positions = default_positions(tokens);  // [B or 1, T]
  return run_stack(
      blocks, final_norm, embed(tokens, settled),
      {.layers = options.layers,
       .layer = {.args = context.args, .position = position.get(), .positions = settled.positions},
       .trace = context.trace});  // [B, T, C]
}

torch::Tensor BertImpl::embed(const torch::Tensor& tokens, const BertContext& context) {
  const auto positions =
      context.positions.defined() ? context.positions : default_positions(tokens);  // [B or 1, T]
  auto h = token_embedding(tokens);                                                 // [B, T, E]
  if (segment_embedding)
    h = h + segment_embedding(context.segments.defined() ? context.segments
                                                         : torch::zeros_like(tokens));
  h = embedding_dropout(embedding_norm(position->embed(h, positions)));
  return embedding_proj ? embedding_proj(h) : h;  // [B, T, C]
}

torch::Tensor BertImpl::pool(const torch::Tensor& hidden) {
  TORCH_CHECK(pooler, "Bert: this model has no pooler; set options.pooler");
  return torch::tanh(pooler(hidden.select(1, 0)));  // [B, C]
}

torch::Tensor BertImpl::default_positions(const torch::Tensor& tokens) const {
  const int64_t T = tokens.size(1), padding = options.position_padding;
  TORCH_CHECK(T <= options.context, "Bert: a sequence of ", T,
              " tokens is longer than the model's context of ", options.context);
  if (padding < 0) return torch::arange(T, tokens.options()).unsqueeze(0);  // [1, T]
  const auto is_real = tokens.ne(padding).to(torch::kLong);
  return is_real.cumsum(1) * is_real + padding;  // [B, T]: padding keeps its own id
}

void initialise_bert(torch::nn::Module& module, double std) {
  const torch::NoGradGuard no_grad;
  for (auto& parameter : module.named_parameters()) {
    torch::Tensor& value = parameter.value();
    if (keeps_first_value(parameter.key())) continue;
    if (value.dim() >= 2) {
      value.normal_(0.0, std);
    } else if (parameter.key().ends_with("bias")) {
      value.zero_();  // norms keep the ones they were made with
    }
  }
}

BertOptions resolved(BertOptions o) {
  o.residual_dropout = o.dropout;
  if (o.shared_blocks == 0) o.shared_blocks = o.layers;
  o.positions = o.context;
  o.distance_keys = o.position == PositionKind::kTransformerXl;
  resolve(o);
  return o;
}

namespace {

/// What the family's layout can express.
void check_family(const BertOptions& o) {
  const std::string with = fmt::format(" with {} {}", option_name("family"), name_of(o.family));
  if (o.family == BertFamily::kRoberta) {
    require_option(o.position_padding >= 0, "position-padding", o.position_padding,
                   "0 or more" + with);
  } else {
    require_option(o.position_padding == -1, "position-padding", o.position_padding, "-1" + with);
  }
  const bool tells_apart = o.family != BertFamily::kDistilBert;
  require_option(tells_apart == (o.segments > 0), "segments", o.segments,
                 (tells_apart ? "1 or more" : "0") + with);
  const bool factorises = o.family == BertFamily::kAlbert || o.family == BertFamily::kElectra;
  if (!factorises) {
    require_option(o.embedding_width == 0, "embedding-width", o.embedding_width, "0" + with);
  }
  if (o.family == BertFamily::kAlbert) {
    require_option(o.embedding_width > 0, "embedding-width", o.embedding_width, "1 or more" + with);
    if (o.shared_blocks != 0 && o.shared_blocks != o.layers) {
      // A block that serves several layers cannot differ from layer to layer.
      require_option(o.drop_path == 0.0, "drop-path", o.drop_path,
                     "0 with " + option_name("shared-blocks"));
      require_option(!o.scale_by_layer, "scale-by-layer", o.scale_by_layer,
                     "off with " + option_name("shared-blocks"));
    }
  } else {
    const bool own = o.shared_blocks == 0 || o.shared_blocks == o.layers;
    require_option(own, "shared-blocks", o.shared_blocks, "0" + with);
  }
}

}  // namespace

void check(const BertOptions& o) {
  require_count("context", o.context, 1);
  require_probability("dropout", o.dropout);
  check(static_cast<const StackOptions&>(o));
  if (o.shared_blocks > 0) {  // heads are removed from a block, and so from all of its layers
    StackOptions distinct = o;
    distinct.layers = o.shared_blocks;
    check(distinct);
  }
  check_mixing(resolved(o), place_of(o.position));
  check(static_cast<const PositionOptions&>(o), rotated_width(resolved(o)),
        /*bidirectional=*/true);
  require_at_least("segments", o.segments, 0);
  require_at_least("embedding-width", o.embedding_width, 0);
  require_option(!is_gated(o.activation), "activation", name_of(o.activation),
                 "any but swiglu");  // the heads have a layer with it and no gate
  require_option(o.shared_blocks >= 0 && o.shared_blocks <= o.layers, "shared-blocks",
                 o.shared_blocks, "from 0 to " + option_name("layers"));
  check_family(o);
  require_model_memory(cost_of(o, 1));
}

}  // namespace zoo
