// forward for encoder-decoders, Transformer and recurrent.
#include "models/pretrained/transformer/transformer_forward.h"

#include <fmt/format.h>

#include "models/batching/padding.h"
#include "models/pretrained/registry/model_inputs.h"
#include "models/pretrained/transformer/recurrent_checkpoint.h"
#include "models/pretrained/transformer/transformer_checkpoint.h"

namespace zoo {
namespace {

/// Sources and targets, as many rows of one as of the other.
struct PairInputs {
  torch::Tensor source, target;  // [B, S], [B, T]
};
PairInputs read_pairs(const ModelInputs& inputs, int64_t source_vocab, int64_t target_vocab,
                      int64_t context) {
  const PairInputs pairs{inputs.tokens("input_ids", source_vocab, context),
                         inputs.tokens("decoder_input_ids", target_vocab, context)};
  if (pairs.source.size(0) != pairs.target.size(0)) {
    inputs.refuse(fmt::format("input_ids has {} rows, but decoder_input_ids {}",
                              pairs.source.size(0), pairs.target.size(0)));
  }
  return pairs;
}

/// How many tokens of each row [B] are real: for a model that reads them one after the other.
torch::Tensor lengths_of(const ModelInputs& inputs, const torch::Tensor& source) {
  if (!inputs.contains("attention_mask")) return {};
  const auto mask = inputs.mask("attention_mask", source.sizes().vec());  // [B, S]
  const auto lengths = mask.sum(1);                                       // [B]
  const bool at_the_end = mask.eq(token_mask(lengths, source.size(1))).all().item<bool>();
  if (!at_the_end || lengths.eq(0).any().item<bool>()) {
    inputs.refuse(
        "attention_mask must be ones and then zeros, at least one 1 a row: a recurrent model "
        "cannot pass over tokens");
  }
  return lengths;
}

}  // namespace

ForwardOutputs forward_transformer(const ForwardRequest& request, const SafetensorsReader& file) {
  const ModelInputs inputs(file, {"input_ids", "decoder_input_ids"},
                           {"attention_mask", "decoder_attention_mask"});
  const TransformerConfig config = read_transformer_config(request.model);
  const auto options = resolved(config.options);
  const auto [source, target] =
      read_pairs(inputs, options.source_vocab_size, options.vocab_size, options.context);
  const AttendArgs source_args =
      inputs.hiding("attention_mask", source, request.device, encoder_stack(options));
  Trace trace{
      .hidden_states = request.hidden_states, .attentions = request.attentions, .tensors = {}};
  const DecoderContext decoder{.args = inputs.hiding("decoder_attention_mask", target,
                                                     request.device, decoder_stack(options)),
                               .cross_args = source_args,
                               .trace = &trace};

  Transformer model = load_transformer(
      request.model,
      {.device = request.device, .attention = request.kernel(), .head_optional = true});
  const torch::NoGradGuard no_grad;
  const auto encoded = model->encode(source.to(request.device), source_args, &trace);  // [B, S, C]
  const auto hidden = model->decode(target.to(request.device), model->cross_keys_values(encoded),
                                    decoder);  // [B, T, C]
  ForwardOutputs outputs = std::move(trace.tensors);
  outputs["encoder_last_hidden_state"] = encoded;
  outputs["last_hidden_state"] = hidden;
  if (config.has_head) outputs["logits"] = model->logits_of(hidden);  // [B, T, V]
  return outputs;
}

ForwardOutputs forward_recurrent(const ForwardRequest& request, const SafetensorsReader& file) {
  const ModelInputs inputs(file, {"input_ids", "decoder_input_ids"}, {"attention_mask"});
  if (request.hidden_states || request.attentions)
    inputs.refuse("a recurrent model has no layers' hidden states or attentions to give out");
  Recurrent model = load_recurrent(request.model, {.device = request.device});
  const auto [source, target] =
      read_pairs(inputs, model->source_vocab_size(), model->target_vocab_size(), model->longest());
  const torch::NoGradGuard no_grad;
  const auto hidden = model->hidden(source.to(request.device), lengths_of(inputs, source),
                                    target.to(request.device));  // [B, T, C]
  return {{"last_hidden_state", hidden}, {"logits", model->logits_of(hidden)}};
}

}  // namespace zoo
