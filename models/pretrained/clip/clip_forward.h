// CLIPModel, CLIPTextModelWithProjection, CLIPVisionModelWithProjection, ZooClip over named
// tensors.
#pragma once
#include "models/pretrained/registry/forward_pass.h"

namespace zoo {

/// pixel_values [B, channels, H, W], input_ids [N, T], attention_mask [N, T], position_ids [N or 1,
/// T]; of a model with both towers one input will do -> image_embeds [B, E] and text_embeds [N, E],
/// of length one where the model has both towers, logits_per_image [B, N], logits_per_text [N, B].
/// Of both towers hidden states and attentions begin with "vision_" and "text_"; of one, there is
/// last_hidden_state.
ForwardOutputs forward_clip(const ForwardRequest& request, const SafetensorsReader& inputs);

}  // namespace zoo
