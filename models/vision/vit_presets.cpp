// Published and classroom sizes of ViT. Each cites the table it follows.
#include <utility>

#include "base/option_checks.h"
#include "models/vision/vit.h"

namespace zoo {
namespace {

// Dosovitskiy et al. 2020, Table 1: F = 4 C; colour images of 224 x 224, the classes of ImageNet.
VitOptions vit_sized(int64_t layers, int64_t d_model, int64_t heads, int64_t patch) {
  VitOptions o;
  o.classes = 1000;
  o.image_size = 224;
  o.channels = 3;
  o.patch_size = patch;
  o.layers = layers;
  o.d_model = d_model;
  o.heads = heads;
  return o;
}

// Touvron et al. 2020, Table 1; stochastic depth of Table 9.
VitOptions deit(VitOptions o) {
  o.distillation = Distillation::kHead;
  o.drop_path = 0.1;
  return o;
}

// Patches of 4 x 4 make 49 or 64 tokens; F = 2 C, for a fifth of a million weights.
VitOptions classroom(int64_t image_size, int64_t channels) {
  VitOptions o;
  o.image_size = image_size;
  o.channels = channels;
  o.feed_forward = 2 * o.d_model;
  return o;
}

// Oquab et al. 2023, Table 17: patches of 14, layer scale; in the end images of 518 x 518 (§4).
VitOptions dinov2(VitOptions o) {
  o.image_size = 518;
  o.patch_size = 14;
  o.layer_scale = 1e-5;
  o.mask_token = true;
  o.pooling = VitPooling::kClassTokenAndMean;
  return o;
}

}  // namespace

VitOptions VitOptions::pixels28() { return classroom(28, 1); }
VitOptions VitOptions::pixels32() { return classroom(32, 3); }
VitOptions VitOptions::tiny16() { return vit_sized(12, 192, 3, 16); }
VitOptions VitOptions::small16() { return vit_sized(12, 384, 6, 16); }
VitOptions VitOptions::base16() { return vit_sized(12, 768, 12, 16); }
VitOptions VitOptions::base32() { return vit_sized(12, 768, 12, 32); }
VitOptions VitOptions::large16() { return vit_sized(24, 1024, 16, 16); }
VitOptions VitOptions::huge14() { return vit_sized(32, 1280, 16, 14); }
VitOptions VitOptions::deit_tiny() { return deit(tiny16()); }
VitOptions VitOptions::deit_small() { return deit(small16()); }
VitOptions VitOptions::deit_base() { return deit(base16()); }

VitOptions VitOptions::dinov2_small() { return dinov2(small16()); }
VitOptions VitOptions::dinov2_base() { return dinov2(base16()); }
VitOptions VitOptions::dinov2_large() { return dinov2(large16()); }
VitOptions VitOptions::dinov2_giant() {
  VitOptions o = dinov2(vit_sized(40, 1536, 24, 14));
  o.activation = Activation::kSwiglu;
  o.feed_forward = 4096;
  return o;
}

VitOptions VitOptions::preset(std::string_view name) {
  static const std::pair<std::string_view, VitOptions (*)()> presets[] = {
      {"pixels28", &VitOptions::pixels28},
      {"pixels32", &VitOptions::pixels32},
      {"tiny16", &VitOptions::tiny16},
      {"small16", &VitOptions::small16},
      {"base16", &VitOptions::base16},
      {"base32", &VitOptions::base32},
      {"large16", &VitOptions::large16},
      {"huge14", &VitOptions::huge14},
      {"deit-tiny", &VitOptions::deit_tiny},
      {"deit-small", &VitOptions::deit_small},
      {"deit-base", &VitOptions::deit_base},
      {"dinov2-small", &VitOptions::dinov2_small},
      {"dinov2-base", &VitOptions::dinov2_base},
      {"dinov2-large", &VitOptions::dinov2_large},
      {"dinov2-giant", &VitOptions::dinov2_giant}};
  return find_preset(presets, name);
}

}  // namespace zoo
