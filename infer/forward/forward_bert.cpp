// forward for BERT, RoBERTa, ALBERT and ELECTRA.
#include <fmt/format.h>

#include "infer/forward/forward.h"
#include "infer/forward/model_inputs.h"
#include "models/pretrained/bert_checkpoint.h"

namespace zoo {
namespace {

/// An input beside input_ids: as many places, a row for each or one for all.
torch::Tensor beside_ids(const ModelInputs& inputs, const std::string& name, int64_t limit,
                         const std::string& what, const torch::Tensor& ids) {
  const auto values = inputs.ids(name, limit, what);
  const bool fits =
      values.size(1) == ids.size(1) && (values.size(0) == ids.size(0) || values.size(0) == 1);
  if (!fits) {
    inputs.refuse(fmt::format("{} has shape {}, but input_ids {}", name,
                              shape_text(values.sizes().vec()), shape_text(ids.sizes().vec())));
  }
  return values;
}

/// What the heads say, under the names of the reference's ModelOutput.
ForwardOutputs outputs_of(BertTaskModel& model, const torch::Tensor& hidden) {
  ForwardOutputs outputs{{"last_hidden_state", hidden}};
  const bool pre_trains = model->options.task == BertTask::kPreTraining;
  if (model->options.task == BertTask::kNone && model->bert->pooler)
    outputs["pooler_output"] = model->bert->pool(hidden);
  if (model->masked_lm)
    outputs[pre_trains ? "prediction_logits" : "logits"] = model->masked_lm_logits(hidden);
  if (model->pair) {
    const bool albert = model->options.bert.family == BertFamily::kAlbert;
    const std::string name = albert ? "sop_logits" : "seq_relationship_logits";
    outputs[pre_trains ? name : "logits"] = model->pair_logits(hidden);
  }
  if (model->classifier) outputs["logits"] = model->class_logits(hidden);
  if (model->replaced) outputs["logits"] = model->replaced_logits(hidden);
  return outputs;
}

}  // namespace

ForwardOutputs forward_bert(const ForwardRequest& request, const SafetensorsReader& file) {
  const ModelInputs inputs(file, {"input_ids"},
                           {"attention_mask", "token_type_ids", "position_ids"});
  const BertOptions options = read_bert_config(request.model).model.bert;
  const auto ids = inputs.ids("input_ids", options.vocab_size, "the vocabulary of");  // [B, T]
  if (ids.size(1) > options.context) {
    inputs.refuse(fmt::format("input_ids has {} tokens a row, but the model's context is {}",
                              ids.size(1), options.context));
  }
  Trace trace{
      .hidden_states = request.hidden_states, .attentions = request.attentions, .tensors = {}};
  BertContext context{.trace = &trace};
  if (inputs.contains("attention_mask")) {
    const auto mask = inputs.mask("attention_mask", ids.sizes().vec());           // [B, S]
    context.args.may_attend = mask.unsqueeze(1).unsqueeze(1).to(request.device);  // [B, 1, 1, S]
  }
  if (inputs.contains("token_type_ids")) {
    context.segments = beside_ids(inputs, "token_type_ids", options.segments,
                                  "the model's segments, of which it has", ids)
                           .to(request.device);
  }
  if (inputs.contains("position_ids")) {
    const int64_t places = options.context + options.position_padding + 1;
    context.positions =
        beside_ids(inputs, "position_ids", places, "the model's positions, of which it has", ids)
            .to(request.device);
  }

  // Only "matmul" is sure to form the weights; another kernel may be asked for and can refuse.
  const std::string usual = request.attentions ? "matmul" : "torch";
  BertTaskModel model = load_bert(
      request.model, {.device = request.device,
                      .attention = request.attention.empty() ? usual : request.attention});
  const torch::NoGradGuard no_grad;
  const auto hidden = model->bert->forward(ids.to(request.device), context);  // [B, T, C]
  ForwardOutputs outputs = outputs_of(model, hidden);
  outputs.merge(trace.tensors);
  for (auto& [name, tensor] : outputs) tensor = tensor.to(torch::kCPU, torch::kFloat).contiguous();
  return outputs;
}

}  // namespace zoo
