// Two towers, their projections, and how much what they see has in common.
#include "models/clip/clip.h"

#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <cmath>

#include "base/option_checks.h"

namespace zoo {
namespace {

bool has_images(const ClipOptions& o) { return o.towers != ClipTowers::kText; }
bool has_texts(const ClipOptions& o) { return o.towers != ClipTowers::kImage; }

/// Normal, as wide as its input: the paper's code.
torch::nn::Linear projection_from(int64_t width, int64_t projection, bool bias) {
  torch::nn::Linear linear(torch::nn::LinearOptions(width, projection).bias(bias));
  const torch::NoGradGuard no_grad;
  linear->weight.normal_(0.0, 1.0 / std::sqrt(static_cast<double>(width)));
  if (bias) linear->bias.zero_();
  return linear;
}

/// Of what the image tower gives.
int64_t image_width(const ClipOptions& o) {
  return o.image_tower == ImageTower::kVit ? pooled_width(o.image) : 4 * o.cnn_width;
}

torch::Tensor unit(const torch::Tensor& x) { return x / x.norm(2, -1, /*keepdim=*/true); }

}  // namespace

ClipImpl::ClipImpl(const ClipOptions& options_) : options(resolved(options_)) {
  const auto& o = options;
  TORCH_CHECK(o.image.classes == 0 && o.text.tie_embeddings,
              "Clip: towers have no heads: set image.classes to 0 and text.tie_embeddings");
  if (has_images(o)) {
    if (o.image_tower == ImageTower::kVit) {
      image = register_module("image", Vit(o.image));
    } else {
      image_cnn = register_module("image_cnn", Cnn(cnn_options(o)));
    }
    if (o.image_projection) {
      image_projection = register_module(
          "image_projection", projection_from(image_width(o), o.projection, o.projection_bias));
    }
  }
  if (has_texts(o)) {
    text = register_module("text", Gpt(o.text));
    text_projection = register_module(
        "text_projection", projection_from(o.text.d_model, o.projection, o.projection_bias));
  }
  if (o.towers != ClipTowers::kBoth) return;
  logit_scale = register_parameter("logit_scale", torch::tensor(o.logit_scale, torch::kFloat));
  if (o.has_logit_bias)
    logit_bias = register_parameter("logit_bias", torch::tensor(o.logit_bias, torch::kFloat));
}

torch::Tensor ClipImpl::embed_images(const torch::Tensor& pixels) {
  TORCH_CHECK(has_images(options), "Clip: this model has no image tower");
  const auto features =
      image ? image->pool(image->hidden_of(image->encode(pixels))) : image_cnn->features(pixels);
  return project_images(features);  // [B, E]
}

torch::Tensor ClipImpl::embed_texts(const torch::Tensor& tokens, const ClipTextContext& context) {
  return project_texts(text_pool(text_hidden(tokens, context), tokens));  // [B, E]
}

torch::Tensor ClipImpl::logits_per_image(const torch::Tensor& images,
                                         const torch::Tensor& texts) const {
  TORCH_CHECK(logit_scale.defined(), "Clip: a model with one tower has nothing to compare");
  const auto logits = torch::matmul(images, texts.t()) * logit_scale.exp();  // [B, N]
  return logit_bias.defined() ? logits + logit_bias : logits;
}

void ClipImpl::clamp_logit_scale() {
  const torch::NoGradGuard no_grad;
  if (logit_scale.defined()) logit_scale.clamp_max_(std::log(100.0));
}

torch::Tensor ClipImpl::text_hidden(const torch::Tensor& tokens, const ClipTextContext& context) {
  TORCH_CHECK(has_texts(options), "Clip: this model has no text tower");
  return text->hidden(tokens, {.positions = context.positions,
                               .args = context.args,
                               .causal = options.text_causal,
                               .trace = context.trace,
                               .trace_prefix = has_images(options) ? "text_" : "",
                               .trace_before_norm = true});  // as the reference's
}

torch::Tensor ClipImpl::text_pool(const torch::Tensor& hidden, const torch::Tensor& tokens) const {
  if (options.text_pooling == ClipTextPooling::kLast) return hidden.select(1, -1);
  // argmax names the first of several; a text without end token is read at its first token.
  const auto ends =
      options.end_token < 0 ? tokens : tokens.eq(options.end_token).to(torch::kLong);  // [B, T]
  const auto rows = torch::arange(tokens.size(0), tokens.options());
  return hidden.index({rows, ends.argmax(1)});  // [B, C]
}

torch::Tensor ClipImpl::map_images(const torch::Tensor& features) {
  return image_projection ? image_projection(features) : features;
}
torch::Tensor ClipImpl::map_texts(const torch::Tensor& features) {
  return text_projection(features);
}
torch::Tensor ClipImpl::project_images(const torch::Tensor& features) {
  return unit(map_images(features));
}
torch::Tensor ClipImpl::project_texts(const torch::Tensor& features) {
  return unit(map_texts(features));
}

ClipOptions resolved(ClipOptions o) {
  o.image = resolved(o.image);
  o.text = resolved(o.text);
  return o;
}

CnnOptions cnn_options(const ClipOptions& o) {
  return {.classes = 0,
          .image_size = o.image.image_size,
          .image_width = o.image.image_width,
          .channels = o.image.channels,
          .blocks = o.cnn_blocks,
          .width = o.cnn_width};
}

namespace {

/// A tower's options have the tower's name before theirs.
template <class Options>
void check_tower(const Options& options, std::string_view prefix) {
  try {
    check(options);
  } catch (const OptionError& error) {
    throw error.renamed([&](std::string_view name) {
      return (name.starts_with(prefix) ? "" : std::string(prefix)) + std::string(name);
    });
  }
}

}  // namespace

void check(const ClipOptions& o) {
  check_tower(o.image, "image-");
  check_tower(o.text, "text-");
  require_option(o.image.classes == 0, "image-classes", o.image.classes, "0");
  require_option(o.text.tie_embeddings, "text-tie-embeddings", o.text.tie_embeddings, "true");
  require_at_least("cnn-blocks", o.cnn_blocks, 1);
  require_at_least("cnn-width", o.cnn_width, 1);
  require_at_least("projection", o.projection, 1);
  if (has_images(o)) {
    require_option(o.image_projection || image_width(resolved(o)) == o.projection, "projection",
                   o.projection,
                   fmt::format("as wide as the image tower, {}, without {}",
                               image_width(resolved(o)), option_name("image-projection")));
  }
  require_option(o.text_causal || !has_mixers(o.text), "text-causal", o.text_causal,
                 "true with mixers, which look back");
  require_option(std::isfinite(o.logit_scale) && std::exp(o.logit_scale) <= 100.001, "logit-scale",
                 o.logit_scale, "at most ln 100 = 4.605");
  require_option(std::isfinite(o.logit_bias), "logit-bias", o.logit_bias, "a number");
}

}  // namespace zoo
