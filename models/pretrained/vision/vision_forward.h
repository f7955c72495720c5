// Models of images over named tensors.
#pragma once
#include "models/pretrained/registry/forward_pass.h"

namespace zoo {

/// ViTForImageClassification, ViTModel, DeiTForImageClassification, its WithTeacher, DeiTModel,
/// ZooVit: pixel_values [B, channels, H, W], of another size than the model's with interpolated
/// positions -> last_hidden_state [B, T, C] after the last norm, logits [B, K] (with a teacher also
/// cls_logits and distillation_logits), pooler_output [B, C] of an encoder that has a pooler.
/// hidden_states.N are those before the last norm.
ForwardOutputs forward_vit(const ForwardRequest& request, const SafetensorsReader& inputs);

/// ZooCct, ZooCnn, ZooLinear: pixel_values -> logits; of a Cct also last_hidden_state.
ForwardOutputs forward_image(const ForwardRequest& request, const SafetensorsReader& inputs);

}  // namespace zoo
