// An encoder of text: its parts, its pass over tokens, its first weights.
#include "models/bert/bert.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <cmath>
#include <stdexcept>
#include <utility>

#include "base/option_checks.h"
#include "models/layers/stack.h"
#include "models/model_memory.h"

namespace zoo {
namespace {

BlockOptions block_options(const BertOptions& o) {
  return {
      .attention = {.d_model = o.d_model,
                    .heads = o.heads,
                    .dropout = o.attention_dropout,
                    .kernel = o.attention},
      .feed_forward = {.d_model = o.d_model, .width = o.feed_forward, .activation = o.activation},
      .norm = {.epsilon = o.norm_epsilon},
      .norm_place = NormPlace::kPost,
      .residual_dropout = o.dropout};
}

/// What the family's layout can express.
void check_family(const BertOptions& o) {
  const std::string with = fmt::format(" with --family {}", name_of(o.family));
  if (o.family == BertFamily::kRoberta) {
    require_option(o.position_padding >= 0, "position-padding", o.position_padding,
                   "0 or more" + with);
  } else {
    require_option(o.position_padding == -1, "position-padding", o.position_padding, "-1" + with);
  }
  const bool factorises = o.family == BertFamily::kAlbert || o.family == BertFamily::kElectra;
  if (!factorises) {
    require_option(o.embedding_width == 0, "embedding-width", o.embedding_width, "0" + with);
  }
  if (o.family == BertFamily::kAlbert) {
    require_option(o.embedding_width > 0, "embedding-width", o.embedding_width, "1 or more" + with);
  } else {
    const bool own = o.shared_blocks == 0 || o.shared_blocks == o.layers;
    require_option(own, "shared-blocks", o.shared_blocks, "0" + with);
  }
}

void check_memory(const BertOptions& o) {
  const double E = static_cast<double>(o.embedding_width > 0 ? o.embedding_width : o.d_model);
  require_model_memory(
      {.layers = static_cast<double>(o.shared_blocks > 0 ? o.shared_blocks : o.layers),
       .d_model = static_cast<double>(o.d_model),
       .feed_forward = static_cast<double>(o.feed_forward),
       .table_weights = E * (static_cast<double>(o.vocab_size) + static_cast<double>(o.context) +
                             static_cast<double>(o.segments))});
}

}  // namespace

void check(const BertOptions& o) {
  require_option(o.context >= 1, "context", o.context, "1 or more");
  require_option(o.layers >= 1, "layers", o.layers, "1 or more");
  require_option(o.d_model >= 1, "d-model", o.d_model, "1 or more");
  require_option(o.heads >= 1, "heads", o.heads, "1 or more");
  require_option(o.feed_forward >= 0, "feed-forward", o.feed_forward, "0 or more");
  require_option(o.segments >= 1, "segments", o.segments, "1 or more");
  require_option(o.embedding_width >= 0, "embedding-width", o.embedding_width, "0 or more");
  require_option(o.activation != Activation::kSwiglu, "activation", name_of(o.activation),
                 "any but swiglu");
  if (o.d_model % o.heads != 0) {
    throw std::invalid_argument(
        fmt::format("--d-model must be a multiple of --heads, got {} and {}", o.d_model, o.heads));
  }
  const bool fits = o.shared_blocks >= 0 && o.shared_blocks <= o.layers;
  require_option(fits, "shared-blocks", o.shared_blocks, "from 0 to --layers");
  for (const auto& [option, value] :
       {std::pair("dropout", o.dropout), std::pair("attention-dropout", o.attention_dropout)}) {
    require_option(value >= 0.0 && value < 1.0, option, value, "in [0, 1)");
  }
  require_option(std::isfinite(o.norm_epsilon) && o.norm_epsilon >= 0.0, "norm-epsilon",
                 o.norm_epsilon, "0 or more");
  require_option(std::isfinite(o.init_std) && o.init_std >= 0.0, "init-std", o.init_std,
                 "0 or more");
  check_family(o);
  check_memory(o);
}

BertOptions resolved(BertOptions o) {
  if (o.feed_forward == 0) o.feed_forward = 4 * o.d_model;
  if (o.shared_blocks == 0) o.shared_blocks = o.layers;
  return o;
}

BertImpl::BertImpl(const BertOptions& options_) : options(resolved(options_)) {
  const auto& o = options;
  check_memory(o);
  TORCH_CHECK(o.vocab_size > 0, "Bert: vocab_size must be positive, got ", o.vocab_size);
  TORCH_CHECK(o.layers > 0 && o.context > 0 && o.segments > 0,
              "Bert: layers, context and segments must be positive, got ", o.layers, ", ",
              o.context, " and ", o.segments);
  TORCH_CHECK(o.shared_blocks > 0 && o.shared_blocks <= o.layers,
              "Bert: shared_blocks must be from 1 to layers, got ", o.shared_blocks, " of ",
              o.layers);
  const int64_t E = o.embedding_width > 0 ? o.embedding_width : o.d_model;
  token_embedding = register_module("token_embedding", torch::nn::Embedding(o.vocab_size, E));
  position = register_module(
      "position", std::make_shared<LearnedPosition>(o.context + o.position_padding + 1, E));
  segment_embedding = register_module("segment_embedding", torch::nn::Embedding(o.segments, E));
  embedding_norm =
      register_module("embedding_norm", Norm(E, NormOptions{.epsilon = o.norm_epsilon}));
  embedding_dropout = register_module("embedding_dropout", torch::nn::Dropout(o.dropout));
  if (o.embedding_width > 0)
    embedding_proj = register_module("embedding_proj", torch::nn::Linear(E, o.d_model));
  blocks = register_module("blocks", torch::nn::ModuleList());
  for (int64_t n = 0; n < o.shared_blocks; ++n) blocks->push_back(Block(block_options(o)));
  if (o.pooler) pooler = register_module("pooler", torch::nn::Linear(o.d_model, o.d_model));
  initialise_bert(*this, o.init_std);
}

torch::Tensor BertImpl::forward(const torch::Tensor& tokens, const BertContext& context) {
  Norm none{nullptr};  // with post-norm the last block ends in one
  return run_stack(
      blocks, none, embed(tokens, context),
      {.layers = options.layers, .layer = {.args = context.args}, .trace = context.trace});
}

torch::Tensor BertImpl::embed(const torch::Tensor& tokens, const BertContext& context) {
  const auto places =
      context.positions.defined() ? context.positions : default_positions(tokens);  // [B or 1, T]
  const auto segments =
      context.segments.defined() ? context.segments : torch::zeros_like(tokens);  // [B, T]
  auto h = token_embedding(tokens) + segment_embedding(segments);                 // [B, T, E]
  h = embedding_dropout(embedding_norm(position->embed(h, places)));
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
  return is_real.cumsum(1) * is_real + padding;  // [B, T]: padding stands at its own id
}

void initialise_bert(torch::nn::Module& module, double std) {
  const torch::NoGradGuard no_grad;
  for (auto& parameter : module.named_parameters()) {
    torch::Tensor& value = parameter.value();
    if (value.dim() >= 2) {
      value.normal_(0.0, std);
    } else if (parameter.key().ends_with("bias")) {
      value.zero_();  // norms keep the ones they were made with
    }
  }
}

}  // namespace zoo
