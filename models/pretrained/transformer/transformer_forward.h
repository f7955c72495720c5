// Encoder-decoders over named tensors: MarianMTModel, BartForConditionalGeneration,
// PegasusForConditionalGeneration, the same without head (MarianModel, ...), ZooTransformer;
// ZooRecurrent.
#pragma once
#include "models/pretrained/registry/forward_pass.h"

namespace zoo {

/// input_ids [B, S], decoder_input_ids [B, T], attention_mask [B, S], decoder_attention_mask [B, T]
/// -> logits [B, T, V], last_hidden_state [B, T, C], encoder_last_hidden_state [B, S, C].
ForwardOutputs forward_transformer(const ForwardRequest& request, const SafetensorsReader& inputs);

/// input_ids, decoder_input_ids, attention_mask with padding at the end -> logits,
/// last_hidden_state.
ForwardOutputs forward_recurrent(const ForwardRequest& request, const SafetensorsReader& inputs);

}  // namespace zoo
