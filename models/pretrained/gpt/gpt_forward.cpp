// forward for decoder-only models.
#include "models/pretrained/gpt/gpt_forward.h"

#include <fmt/format.h>

#include "models/positions/alibi.h"
#include "models/pretrained/gpt/gpt_checkpoint.h"
#include "models/pretrained/gpt/gpt_layout.h"
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
int64_t length_limit(const GptOptions& o, const LengthOptions& lengths) {
  if (lengths.context) return o.context;
  const bool any =
      o.memory > 0 || o.position == PositionKind::kAlibi || o.position == PositionKind::kBucketed ||
      o.position == PositionKind::kTransformerXl ||
      (o.position == PositionKind::kRotary && o.rotary.scaling == RotaryScaling::kDynamic);
  return any ? 0 : o.context;
}

/// Where positions count the tokens that the mask [B, 1, 1, T] keeps: how many of them stand before
/// each one, [B, T].
torch::Tensor counted(const torch::Tensor& mask) {
  return (mask.to(torch::kLong).cumsum(-1) - 1).clamp_min(0).squeeze(1).squeeze(1);
}

/// Places of tokens as such a layout has them.
void count_positions(GptContext& context, const GptOptions& options) {
  const auto places = counted(context.args.may_attend);  // [B, T]
  if (options.position != PositionKind::kAlibi) {
    context.positions = places;
    return;
  }
  // Scores lose a slope times the distance; that of keys behind a gap in the mask is smaller. What
  // all keys of a row have in common does not matter to the softmax.
  const auto closer = places - torch::arange(places.size(1), places.options());
  context.args.bias = closer.unsqueeze(1).unsqueeze(1) *
                      alibi_slopes(options.heads).to(places.device()).view({1, -1, 1, 1});
}

}  // namespace

ForwardOutputs forward_gpt(const ForwardRequest& request, const SafetensorsReader& file) {
  const ModelInputs inputs(file, {"input_ids"}, {"attention_mask", "position_ids"});
  const GptConfig config = read_gpt_config(request.model);
  const GptOptions options = with_lengths(config.options, request.lengths);
  const auto ids = inputs.tokens("input_ids", options.vocab_size,
                                 length_limit(options, request.lengths));  // [B, T]
  Trace trace{
      .hidden_states = request.hidden_states, .attentions = request.attentions, .tensors = {}};
  GptContext context{.trace = &trace};
  context.args = inputs.hiding("attention_mask", ids, request.device, options,
                               options.sinks > 0 || options.self_extend > 1 || options.memory > 0);
  if (inputs.contains("position_ids")) {
    context.positions = inputs
                            .ids_beside(ids, "position_ids", position_limit(options),
                                        "the model's positions, of which it has")
                            .to(request.device);
  } else if (context.args.may_attend.defined() && config.layout != GptLayout::kZoo &&
             gpt_layout(config.layout).counts_mask) {
    count_positions(context, options);
  }

  Gpt model =
      load_gpt(request.model,
               {.device = request.device, .attention = request.kernel(), .head_optional = true},
               request.lengths);
  const torch::NoGradGuard no_grad;
  const auto hidden = model->hidden(ids.to(request.device), context);  // [B, T, C]
  ForwardOutputs outputs = std::move(trace.tensors);
  const auto states = model->output_states(hidden);  // [B, T, E]
  outputs["last_hidden_state"] = states;
  // The reference's last hidden state is the one behind the projection.
  const auto last = fmt::format("hidden_states.{}", options.layers);
  if (outputs.contains(last)) outputs[last] = states;
  if (config.has_head) outputs["logits"] = model->logits_of(hidden);  // [B, T, V]
  return outputs;
}

}  // namespace zoo
