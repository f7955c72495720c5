// forward for decoder-only models.
#include "models/pretrained/gpt/gpt_forward.h"

#include "models/pretrained/gpt/gpt_checkpoint.h"
#include "models/pretrained/registry/model_inputs.h"

namespace zoo {
namespace {

/// Places that the position scheme can name; 0: any.
int64_t position_limit(const GptOptions& options) {
  const bool table =
      options.position == PositionKind::kLearned || options.position == PositionKind::kSinusoidal;
  return table ? options.context : 0;
}

/// The longest input; 0: any, with a scheme that is made for texts longer than those of training.
int64_t length_limit(const GptOptions& o) {
  const bool any =
      o.position == PositionKind::kAlibi || o.position == PositionKind::kBucketed ||
      (o.position == PositionKind::kRotary && o.rotary.scaling == RotaryScaling::kDynamic);
  return any ? 0 : o.context;
}

}  // namespace

ForwardOutputs forward_gpt(const ForwardRequest& request, const SafetensorsReader& file) {
  const ModelInputs inputs(file, {"input_ids"}, {"attention_mask", "position_ids"});
  const GptConfig config = read_gpt_config(request.model);
  const auto& options = config.options;
  const auto ids = inputs.tokens("input_ids", options.vocab_size, length_limit(options));  // [B, T]
  Trace trace{
      .hidden_states = request.hidden_states, .attentions = request.attentions, .tensors = {}};
  GptContext context{.trace = &trace};
  context.args.may_attend = inputs.may_attend("attention_mask", ids, request.device);
  if (inputs.contains("position_ids")) {
    context.positions = inputs
                            .ids_beside(ids, "position_ids", position_limit(options),
                                        "the model's positions, of which it has")
                            .to(request.device);
  }

  Gpt model =
      load_gpt(request.model,
               {.device = request.device, .attention = request.kernel(), .head_optional = true});
  const torch::NoGradGuard no_grad;
  const auto hidden = model->hidden(ids.to(request.device), context);  // [B, T, C]
  ForwardOutputs outputs = std::move(trace.tensors);
  outputs["last_hidden_state"] = hidden;
  if (config.has_head) outputs["logits"] = model->logits_of(hidden);  // [B, T, V]
  return outputs;
}

}  // namespace zoo
