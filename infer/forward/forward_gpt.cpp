// forward for decoder-only models.
#include <fmt/format.h>

#include "infer/forward/forward.h"
#include "infer/forward/model_inputs.h"
#include "models/pretrained/gpt_checkpoint.h"

namespace zoo {
namespace {

/// Places that the position scheme can name; 0: any.
int64_t position_limit(const GptOptions& options) {
  const bool table =
      options.position == PositionKind::kLearned || options.position == PositionKind::kSinusoidal;
  return table ? options.context : 0;
}

torch::Tensor position_ids(const ModelInputs& inputs, const GptOptions& options,
                           const torch::Tensor& ids) {
  auto positions =
      inputs.ids("position_ids", position_limit(options), "the model's positions, of which it has");
  const bool fits = positions.size(1) == ids.size(1) &&
                    (positions.size(0) == ids.size(0) || positions.size(0) == 1);
  if (!fits) {
    inputs.refuse(fmt::format("position_ids has shape {}, but input_ids {}",
                              shape_text(positions.sizes().vec()), shape_text(ids.sizes().vec())));
  }
  return positions;
}

}  // namespace

ForwardOutputs forward_gpt(const ForwardRequest& request, const SafetensorsReader& file) {
  const ModelInputs inputs(file, {"input_ids"}, {"attention_mask", "position_ids"});
  const GptConfig config = read_gpt_config(request.model);
  const auto& options = config.options;
  const auto ids = inputs.ids("input_ids", options.vocab_size, "the vocabulary of");  // [B, T]
  if (ids.size(1) > options.context) {
    inputs.refuse(fmt::format("input_ids has {} tokens a row, but the model's context is {}",
                              ids.size(1), options.context));
  }
  Trace trace{
      .hidden_states = request.hidden_states, .attentions = request.attentions, .tensors = {}};
  GptContext context{.trace = &trace};
  if (inputs.contains("attention_mask")) {
    const auto mask = inputs.mask("attention_mask", ids.sizes().vec());           // [B, S]
    context.args.may_attend = mask.unsqueeze(1).unsqueeze(1).to(request.device);  // [B, 1, 1, S]
  }
  if (inputs.contains("position_ids")) {
    context.positions = position_ids(inputs, options, ids).to(request.device);
  }

  // Only "matmul" is sure to form the weights; another kernel may be asked for and can refuse.
  const std::string usual = request.attentions ? "matmul" : "torch";
  Gpt model =
      load_gpt(request.model, {.device = request.device,
                               .attention = request.attention.empty() ? usual : request.attention,
                               .head_optional = true});
  const torch::NoGradGuard no_grad;
  const auto hidden = model->hidden(ids.to(request.device), context);  // [B, T, C]
  ForwardOutputs outputs = std::move(trace.tensors);
  outputs["last_hidden_state"] = hidden;
  if (config.has_head) outputs["logits"] = model->logits_of(hidden);  // [B, T, V]
  for (auto& [name, tensor] : outputs) tensor = tensor.to(torch::kCPU, torch::kFloat).contiguous();
  return outputs;
}

}  // namespace zoo
