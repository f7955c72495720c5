// GPT2LMHeadModel, GPT2Model, ... and ZooGpt over named tensors.
#pragma once
#include "models/pretrained/registry/forward_pass.h"

namespace zoo {

/// input_ids [B, T], attention_mask [B, T], position_ids [B or 1, T] -> logits [B, T, V],
/// last_hidden_state [B, T, C].
ForwardOutputs forward_gpt(const ForwardRequest& request, const SafetensorsReader& inputs);

}  // namespace zoo
