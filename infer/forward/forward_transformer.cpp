// forward for encoder-decoders.
#include <fmt/format.h>

#include "infer/forward/forward.h"
#include "infer/forward/model_inputs.h"
#include "models/pretrained/transformer_checkpoint.h"

namespace zoo {
namespace {

/// Token ids that the model can read.
torch::Tensor tokens(const ModelInputs& inputs, const char* name, int64_t vocab_size,
                     int64_t context) {
  const auto ids = inputs.ids(name, vocab_size, "the vocabulary of");  // [B, T]
  if (ids.size(1) > context) {
    inputs.refuse(fmt::format("{} has {} tokens a row, but the model's context is {}", name,
                              ids.size(1), context));
  }
  return ids;
}

/// What a mask over tokens [B, S] means to attention.
AttendArgs padding(const ModelInputs& inputs, const char* name, const torch::Tensor& ids,
                   torch::Device device) {
  if (!inputs.contains(name)) return {};
  const auto mask = inputs.mask(name, ids.sizes().vec());            // [B, S]
  return {.may_attend = mask.unsqueeze(1).unsqueeze(1).to(device)};  // [B, 1, 1, S]
}

}  // namespace

ForwardOutputs forward_transformer(const ForwardRequest& request, const SafetensorsReader& file) {
  const ModelInputs inputs(file, {"input_ids", "decoder_input_ids"},
                           {"attention_mask", "decoder_attention_mask"});
  const TransformerConfig config = read_transformer_config(request.model);
  const auto options = resolved(config.options);
  const auto source = tokens(inputs, "input_ids", options.source_vocab_size, options.context);
  const auto target = tokens(inputs, "decoder_input_ids", options.vocab_size, options.context);
  if (source.size(0) != target.size(0)) {
    inputs.refuse(fmt::format("input_ids has {} rows, but decoder_input_ids {}", source.size(0),
                              target.size(0)));
  }
  const auto source_args = padding(inputs, "attention_mask", source, request.device);
  Trace trace{
      .hidden_states = request.hidden_states, .attentions = request.attentions, .tensors = {}};
  const DecoderContext decoder{
      .args = padding(inputs, "decoder_attention_mask", target, request.device),
      .cross_args = source_args,
      .trace = &trace};

  // Only "matmul" is sure to form the weights; another kernel may be asked for and can refuse.
  const std::string usual = request.attentions ? "matmul" : "torch";
  Transformer model = load_transformer(
      request.model, {.device = request.device,
                      .attention = request.attention.empty() ? usual : request.attention,
                      .head_optional = true});
  const torch::NoGradGuard no_grad;
  const auto encoded = model->encode(source.to(request.device), source_args, &trace);  // [B, S, C]
  const auto hidden =
      model->decode(target.to(request.device), model->remember(encoded), decoder);  // [B, T, C]
  ForwardOutputs outputs = std::move(trace.tensors);
  outputs["encoder_last_hidden_state"] = encoded;
  outputs["last_hidden_state"] = hidden;
  if (config.has_head) outputs["logits"] = model->logits_of(hidden);  // [B, T, V]
  for (auto& [name, tensor] : outputs) tensor = tensor.to(torch::kCPU, torch::kFloat).contiguous();
  return outputs;
}

}  // namespace zoo
