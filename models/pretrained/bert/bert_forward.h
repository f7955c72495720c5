// BERT and its families (bert_architectures()) over named tensors.
#pragma once
#include "models/pretrained/registry/forward_pass.h"

namespace zoo {

/// input_ids [B, T], attention_mask [B, T] with any pattern, token_type_ids (but DistilBERT) and
/// position_ids [B or 1, T] -> last_hidden_state [B, T, C], pooler_output [B, C] of an encoder
/// alone, and what the heads say.
ForwardOutputs forward_bert(const ForwardRequest& request, const SafetensorsReader& inputs);

}  // namespace zoo
