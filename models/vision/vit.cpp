// An encoder of images: its parts, its pass over patches, its first weights.
#include "models/vision/vit.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <torch/nn/init.h>

#include "base/option_checks.h"
#include "models/cost/vision_cost.h"
#include "models/layers/stack.h"

namespace zoo {

AttentionPoolingOptions pooling_options(const VitOptions& options) {
  VitOptions o = resolved(options);
  o.pruned_heads.clear();
  BlockOptions block = block_options(o, 0);
  block.attention.window.reset();
  block.attention.latent.reset();
  return {.attention = block.attention, .norm = block.norm, .feed_forward = block.feed_forward};
}

VitImpl::VitImpl(const VitOptions& options_) : options(resolved(checked(options_))) {
  const auto& o = options;
  patch_embedding = register_module(
      "patch_embedding", PatchEmbedding(PatchEmbeddingOptions{.channels = o.channels,
                                                              .patch_height = o.patch_size,
                                                              .patch_width = o.patch_width,
                                                              .d_model = o.d_model,
                                                              .bias = o.patch_bias,
                                                              .method = o.patch_method}));
  if (prefix_tokens(o) >= 1)
    class_token = register_parameter("class_token", torch::zeros({o.d_model}));
  if (o.mask_token) mask_token = register_parameter("mask_token", torch::zeros({o.d_model}));
  if (prefix_tokens(o) == 2)
    distillation_token = register_parameter("distillation_token", torch::zeros({o.d_model}));
  position = register_module(
      "position",
      make_grid_position(o.position, grid_of(o), prefix_tokens(o), o.d_model, rotated_width(o)));
  embedding_dropout = register_module("embedding_dropout", Dropout(o.dropout));
  const NormOptions norm = norm_options(o);
  if (o.embedding_norm) embedding_norm = register_module("embedding_norm", Norm(o.d_model, norm));
  blocks = register_module("blocks", torch::nn::ModuleList());
  for (int64_t n = 0; n < o.layers; ++n) blocks->push_back(Block(block_options(o, n)));
  if (o.norm_place != NormPlace::kPost)
    final_norm = register_module("final_norm", Norm(o.d_model, norm));
  if (o.pooling == VitPooling::kAttention)
    attention_pooling = register_module("attention_pooling", AttentionPooling(pooling_options(o)));
  if (o.pooler) pooler = register_module("pooler", torch::nn::Linear(o.d_model, o.d_model));
  if (o.classes > 0) head = register_module("head", torch::nn::Linear(pooled_width(o), o.classes));
  if (o.distillation == Distillation::kHead) {
    distillation_head =
        register_module("distillation_head", torch::nn::Linear(o.d_model, o.classes));
  }
  initialise();
}

torch::Tensor VitImpl::forward(const torch::Tensor& pixels) {
  return logits_of(hidden_of(encode(pixels)));  // [B, K]
}

torch::Tensor VitImpl::encode(const torch::Tensor& pixels, const VitContext& context) {
  const auto h = embed(pixels, context);  // [B, T, C]
  const auto rotation =
      position->rotation(token_positions(h), grid_for(pixels, context.interpolate));
  Norm none{nullptr};  // hidden states of the reference are those before the last norm
  return run_stack(blocks, none, h, {.layer = {.rotation = rotation}, .trace = context.trace});
}

torch::Tensor VitImpl::hidden_of(const torch::Tensor& encoded) {
  return final_norm ? final_norm(encoded) : encoded;
}

torch::Tensor VitImpl::embed(const torch::Tensor& pixels, const VitContext& context) {
  auto h = patch_embedding(pixels);  // [B, P, C]
  if (context.masked.defined()) {
    TORCH_CHECK(mask_token.defined(), "Vit: this model has no mask token; set options.mask_token");
    h = torch::where(context.masked.unsqueeze(-1), mask_token.to(h.scalar_type()), h);
  }
  std::vector<torch::Tensor> tokens;
  for (const auto& token : {class_token, distillation_token})
    if (token.defined()) tokens.push_back(token.expand({h.size(0), 1, -1}));
  tokens.push_back(h);
  h = torch::cat(tokens, 1);  // [B, T, C]
  h = position->embed(h, token_positions(h), grid_for(pixels, context.interpolate));
  h = embedding_dropout(h);
  return embedding_norm ? embedding_norm(h) : h;
}

torch::Tensor VitImpl::pool(const torch::Tensor& hidden) {
  switch (options.pooling) {
    case VitPooling::kClassToken:
      return hidden.select(1, 0);
    case VitPooling::kMean:
      return hidden.mean(1);
    case VitPooling::kClassTokenAndMean: {  // Oquab et al. 2023, appendix B.3
      const auto patches = hidden.narrow(1, 1, hidden.size(1) - 1);
      return torch::cat({hidden.select(1, 0), patches.mean(1)}, -1);  // [B, 2 C]
    }
    case VitPooling::kAttention:
      return attention_pooling(hidden);
  }
  TORCH_CHECK(false, "Vit: unknown pooling");
}

VitLogits VitImpl::heads_of(const torch::Tensor& hidden) {
  TORCH_CHECK(head, "Vit: this model is an encoder alone; set options.classes");
  VitLogits logits{.by_class_token = head(pool(hidden)), .by_distillation_token = {}};  // [B, K]
  if (distillation_head) logits.by_distillation_token = distillation_head(hidden.select(1, 1));
  return logits;
}

torch::Tensor VitImpl::logits_of(const torch::Tensor& hidden) {
  const auto logits = heads_of(hidden);
  if (!logits.by_distillation_token.defined()) return logits.by_class_token;
  return (logits.by_class_token + logits.by_distillation_token) / 2;  // Touvron et al. 2020, §4
}

torch::Tensor VitImpl::pooler_output(const torch::Tensor& hidden) {
  TORCH_CHECK(pooler, "Vit: this model has no pooler; set options.pooler");
  return torch::tanh(pooler(hidden.select(1, 0)));  // [B, C]
}

Grid VitImpl::grid_for(const torch::Tensor& pixels, bool interpolate) const {
  const int64_t H = pixels.size(2), W = pixels.size(3);
  const auto& o = options;
  TORCH_CHECK(interpolate || (H == o.image_size && W == o.image_width), "Vit: images are ", H,
              " x ", W, ", but the model was made for ", o.image_size, " x ", o.image_width,
              "; resize them, or set context.interpolate");
  return {H / o.patch_size, W / o.patch_width};
}

// Normal, biases zero, norms one. Glorot & Bengio 2010 where asked for, for each matrix of its own
// (queries, keys and values are three), as in the authors' code, whose heads start at zero.
void VitImpl::initialise() {
  const torch::NoGradGuard no_grad;
  const bool glorot = options.init_std == 0.0;
  const auto modules_by_name = named_modules("", /*include_self=*/false);
  for (auto& parameter : named_parameters()) {
    const std::string& name = parameter.key();
    if (keeps_first_value(name)) continue;
    torch::Tensor& value = parameter.value();
    const bool is_token = name.ends_with("_token") || name == "attention_pooling.probe";
    if (value.dim() < 2 && !is_token) {
      if (name.ends_with(".bias")) value.zero_();  // norms and scales keep what they were made with
    } else if (!glorot || is_token || name.starts_with("position.")) {
      value.normal_(0.0, glorot ? 0.02 : options.init_std);
    } else if (name.starts_with("patch_embedding.")) {
      auto matrix = value.flatten(1);  // [C, channels ph pw]
      torch::nn::init::xavier_uniform_(matrix);
    } else if (name.ends_with("attention.in_proj.weight")) {
      const auto layer = modules_by_name[name.substr(0, name.rfind(".in_proj"))];
      for (auto& matrix : layer->as<MultiHeadAttentionImpl>()->qkv_matrices())
        torch::nn::init::xavier_uniform_(matrix);
    } else {
      torch::nn::init::xavier_uniform_(value);
    }
  }
}

Grid grid_of(const VitOptions& options) {
  const VitOptions o = resolved(options);
  return {o.image_size / o.patch_size, o.image_width / o.patch_width};
}

int64_t prefix_tokens(const VitOptions& o) {
  if (o.pooling == VitPooling::kMean || o.pooling == VitPooling::kAttention) return 0;
  return o.distillation == Distillation::kNone ? 1 : 2;
}

int64_t pooled_width(const VitOptions& o) {
  return o.pooling == VitPooling::kClassTokenAndMean ? 2 * o.d_model : o.d_model;
}

VitOptions resolved(VitOptions o) {
  if (o.image_width == 0) o.image_width = o.image_size;
  if (o.patch_width == 0) o.patch_width = o.patch_size;
  o.residual_dropout = o.dropout;
  if (o.patch_size > 0 && o.patch_width > 0) {
    o.positions = o.image_size / o.patch_size * (o.image_width / o.patch_width) + prefix_tokens(o);
  }
  resolve(o);
  return o;
}

namespace {

void check_images(const VitOptions& o) {
  for (const auto& [option, value] :
       {std::pair("image-size", o.image_size), std::pair("channels", o.channels),
        std::pair("patch-size", o.patch_size)}) {
    require_at_least(option, value, 1);
  }
  for (const auto& [option, value] :
       {std::pair("image-width", o.image_width), std::pair("patch-width", o.patch_width),
        std::pair("classes", o.classes)}) {
    require_at_least(option, value, 0);
  }
  const VitOptions full = resolved(o);
  require_option(full.patch_size <= o.image_size, "patch-size", o.patch_size,
                 fmt::format("at most {} {}", option_name("image-size"), o.image_size));
  require_option(full.patch_width <= full.image_width, "patch-width", full.patch_width,
                 fmt::format("at most the images' width {}", full.image_width));
  if (o.position == GridPositionKind::kRotary2d) {
    require_option(rotated_width(full) >= 4, "heads", o.heads,
                   "such that heads are at least 4 wide, for rotary positions");
  }
}

void check_tokens(const VitOptions& o) {
  const std::string with_mean =
      fmt::format(" with {} {}", option_name("pooling"), name_of(o.pooling));
  const bool by_token = o.pooling == VitPooling::kClassToken;
  require_option(by_token || o.distillation == Distillation::kNone, "distillation",
                 name_of(o.distillation), "none" + with_mean);
  require_option(by_token || !o.pooler, "pooler", o.pooler, "false" + with_mean);
  require_option(o.classes == 0 || !o.pooler, "pooler", o.pooler, "false for a classifier");
  require_option(o.classes > 0 || o.distillation != Distillation::kHead, "distillation",
                 name_of(o.distillation), "none or token for an encoder without classes");
}

}  // namespace

void check(const VitOptions& o) {
  check(static_cast<const StackOptions&>(o));
  check_images(o);
  check_tokens(o);
  check_mixing(resolved(o), place_of(o.position));
  require_probability("dropout", o.dropout);
  require_model_memory(cost_of(o));
}

}  // namespace zoo
