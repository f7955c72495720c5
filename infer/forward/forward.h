// One pass of a checkpoint over tensors from a file, with names and values as in Hugging Face's
// `transformers`: the door through which any model of the zoo is compared with the reference.
#pragma once
#include <torch/types.h>

#include <filesystem>
#include <map>
#include <string>

#include "models/pretrained/format/safetensors.h"

namespace zoo {

struct ForwardRequest {
  std::filesystem::path model;  ///< checkpoint folder
  bool hidden_states = false;   ///< also "hidden_states.N"
  bool attentions = false;      ///< also "attentions.N"
  std::string attention;        ///< kernel; empty: "matmul" for attentions, else "torch"
  torch::Device device = torch::kCPU;

  /// Only "matmul" is sure to form the weights; another kernel may be asked for and can refuse.
  std::string kernel() const {
    return !attention.empty() ? attention : attentions ? "matmul" : "torch";
  }
};

/// Output names of the reference's ModelOutput; forward() makes them float32 on the CPU.
using ForwardOutputs = std::map<std::string, torch::Tensor>;

/// Finds the architecture in config.json and runs it. Throws std::runtime_error with one line for
/// an architecture that the zoo lacks and for inputs that do not fit.
ForwardOutputs forward(const ForwardRequest& request, const SafetensorsReader& inputs);

/// GPT2LMHeadModel, GPT2Model, LlamaForCausalLM, LlamaModel, ZooGpt: input_ids [B, T],
/// attention_mask [B, T], position_ids [B or 1, T] -> logits [B, T, V], last_hidden_state [B, T,
/// C].
ForwardOutputs forward_gpt(const ForwardRequest& request, const SafetensorsReader& inputs);

/// MarianMTModel, BartForConditionalGeneration, PegasusForConditionalGeneration, the same without
/// head (MarianModel, ...), ZooTransformer: input_ids [B, S], decoder_input_ids [B, T],
/// attention_mask [B, S], decoder_attention_mask [B, T] -> logits [B, T, V], last_hidden_state
/// [B, T, C], encoder_last_hidden_state [B, S, C].
ForwardOutputs forward_transformer(const ForwardRequest& request, const SafetensorsReader& inputs);

/// ZooRecurrent: input_ids, decoder_input_ids, attention_mask with padding at the end -> logits,
/// last_hidden_state.
ForwardOutputs forward_recurrent(const ForwardRequest& request, const SafetensorsReader& inputs);

/// BERT, RoBERTa, ALBERT and ELECTRA (bert_architectures()): input_ids [B, T], attention_mask
/// [B, T] with any pattern, token_type_ids and position_ids [B or 1, T] -> last_hidden_state
/// [B, T, C], pooler_output [B, C] of an encoder alone, and what the heads say.
ForwardOutputs forward_bert(const ForwardRequest& request, const SafetensorsReader& inputs);

/// ViTForImageClassification, ViTModel, DeiTForImageClassification, its WithTeacher, DeiTModel,
/// ZooVit: pixel_values [B, channels, H, W], of another size than the model's with interpolated
/// positions -> last_hidden_state [B, T, C] after the last norm, logits [B, K] (with a teacher also
/// cls_logits and distillation_logits), pooler_output [B, C] of an encoder that has a pooler.
/// hidden_states.N are those before the last norm.
ForwardOutputs forward_vit(const ForwardRequest& request, const SafetensorsReader& inputs);

/// CLIPModel, CLIPTextModelWithProjection, CLIPVisionModelWithProjection, ZooClip: pixel_values
/// [B, channels, H, W], input_ids [N, T], attention_mask [N, T], position_ids [N or 1, T]; of a
/// model with both towers one input will do -> image_embeds [B, E] and text_embeds [N, E], of
/// length one where the model has both towers, logits_per_image [B, N], logits_per_text [N, B]. Of
/// both towers hidden states and attentions begin with "vision_" and "text_"; of one, there is
/// last_hidden_state.
ForwardOutputs forward_clip(const ForwardRequest& request, const SafetensorsReader& inputs);

/// ZooCct, ZooCnn, ZooLinear: pixel_values -> logits; of a Cct also last_hidden_state.
ForwardOutputs forward_image(const ForwardRequest& request, const SafetensorsReader& inputs);

}  // namespace zoo
