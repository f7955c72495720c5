// Published and classroom sizes of CLIP. Each cites the table it follows.
#include <utility>

#include "base/option_checks.h"
#include "models/clip/clip.h"

namespace zoo {
namespace {

// Radford et al. 2021, Table 20: images of 224 x 224, texts of 77 tokens, 49 408 of them.
ClipOptions clip_sized(int64_t image_layers, int64_t image_width, int64_t patch,
                       int64_t text_width) {
  ClipOptions o;
  o.image.image_size = 224;
  o.image.channels = 3;
  o.image.patch_size = patch;
  o.image.layers = image_layers;
  o.image.d_model = image_width;
  o.image.heads = image_width / 64;
  o.text.vocab_size = 49408;
  o.text.context = 77;
  o.text.layers = 12;
  o.text.d_model = o.projection = text_width;
  o.text.heads = text_width / 64;
  return o;
}

}  // namespace

VitOptions ClipOptions::clip_vit() {
  VitOptions o = VitOptions::pixels32();
  o.classes = 0;
  o.embedding_norm = true;
  o.patch_bias = false;
  o.norm_epsilon = 1e-5;
  o.activation = Activation::kQuickGelu;
  o.feed_forward = 0;
  o.layers = 4;
  return o;
}

// §2.4: "the architecture modifications" of GPT-2.
GptOptions ClipOptions::clip_gpt() {
  GptOptions o;
  o.activation = Activation::kQuickGelu;
  o.context = 32;
  o.layers = 4;
  o.d_model = 64;
  o.heads = 4;
  return o;
}

ClipOptions ClipOptions::tiny() { return {}; }
ClipOptions ClipOptions::base32() { return clip_sized(12, 768, 32, 512); }
ClipOptions ClipOptions::base16() { return clip_sized(12, 768, 16, 512); }
ClipOptions ClipOptions::large14() { return clip_sized(24, 1024, 14, 768); }

// Zhai et al. 2023, §4.1 and its released B/16: both towers of ViT-B, GELU's tanh form, texts of 64
// tokens of which 32 000 are known; first values of scale and bias: §3.2.
ClipOptions ClipOptions::siglip_base16() {
  ClipOptions o = clip_sized(12, 768, 16, 768);
  o.image.activation = o.text.activation = Activation::kGeluTanh;
  o.image.norm_epsilon = o.text.norm_epsilon = 1e-6;
  o.image.pooling = VitPooling::kAttention;
  o.image.embedding_norm = false;
  o.image.patch_bias = true;
  o.image_projection = false;
  o.projection_bias = true;
  o.text.vocab_size = 32000;
  o.text.context = 64;
  o.text_causal = false;
  o.text_pooling = ClipTextPooling::kLast;
  o.logit_scale = 2.3026;
  o.has_logit_bias = true;
  return o;
}

ClipOptions ClipOptions::preset(std::string_view name) {
  static const std::pair<std::string_view, ClipOptions (*)()> presets[] = {
      {"tiny", &ClipOptions::tiny},
      {"base32", &ClipOptions::base32},
      {"base16", &ClipOptions::base16},
      {"large14", &ClipOptions::large14},
      {"siglip-base16", &ClipOptions::siglip_base16}};
  return find_preset(presets, name);
}

}  // namespace zoo
