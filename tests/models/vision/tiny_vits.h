// Small ViTs that between them use every option: what holds for a ViT is tested on all of them.
#pragma once
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "models/vision/vit.h"

namespace zoo::testing {

struct NamedVit {
  std::string name;
  VitOptions options;
};
/// GoogleTest would print the bytes, those that belong to no member included.
inline void PrintTo(const NamedVit& named, std::ostream* out) { *out << named.name; }

/// 2 rows and 3 columns of patches 3 x 2, L = 2, C = 15, H = 3, K = 5; weights large enough for
/// every part to matter.
inline VitOptions tiny_vit() {
  VitOptions o;
  o.classes = 5;
  o.image_size = 6;
  o.image_width = 7;  // the last column fills no patch
  o.channels = 3;
  o.patch_size = 3;
  o.patch_width = 2;
  o.layers = 2;
  o.d_model = 15;
  o.heads = 3;
  o.feed_forward = 20;
  o.init_std = 0.3;
  return o;
}

inline std::vector<NamedVit> tiny_vits() {
  const VitOptions vit = tiny_vit();

  VitOptions mean = vit;
  mean.pooling = VitPooling::kMean;
  mean.position = GridPositionKind::kSinusoidal2d;
  mean.patch_method = PatchMethod::kProduct;
  mean.activation = Activation::kSwiglu;

  VitOptions deit = vit;
  deit.distillation = Distillation::kHead;
  deit.layer_scale = 0.5;
  deit.position = GridPositionKind::kLearned2d;

  VitOptions dinov2 = vit;
  dinov2.pooling = VitPooling::kClassTokenAndMean;
  dinov2.layer_scale = 0.5;
  dinov2.activation = Activation::kSwiglu;

  VitOptions siglip = vit;
  siglip.pooling = VitPooling::kAttention;
  siglip.activation = Activation::kGeluTanh;

  VitOptions rotary = vit;
  rotary.position = GridPositionKind::kRotary2d;
  rotary.embedding_norm = true;
  rotary.patch_bias = rotary.qkv_bias = false;
  rotary.activation = Activation::kQuickGelu;

  return {{"vit", vit},       {"mean", mean},     {"deit", deit},
          {"dinov2", dinov2}, {"siglip", siglip}, {"rotary", rotary}};
}

inline std::string vit_name(const ::testing::TestParamInfo<NamedVit>& info) {
  return info.param.name;
}

}  // namespace zoo::testing
