// forward for BERT and its families.
#include "models/pretrained/bert/bert_forward.h"

#include "models/pretrained/bert/bert_checkpoint.h"
#include "models/pretrained/registry/model_inputs.h"

namespace zoo {
namespace {

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
  const BertOptions options = read_bert_config(request.model).options.bert;
  std::vector<std::string> optional = {"attention_mask", "position_ids"};
  if (options.segments > 0) optional.emplace_back("token_type_ids");
  const ModelInputs inputs(file, {"input_ids"}, optional);
  const auto ids = inputs.tokens("input_ids", options.vocab_size, options.context);  // [B, T]
  Trace trace{
      .hidden_states = request.hidden_states, .attentions = request.attentions, .tensors = {}};
  BertContext context{.trace = &trace};
  context.args = inputs.hiding("attention_mask", ids, request.device, options);
  if (inputs.contains("token_type_ids")) {
    context.segments = inputs
                           .ids_beside(ids, "token_type_ids", options.segments,
                                       "the model's segments, of which it has")
                           .to(request.device);
  }
  if (inputs.contains("position_ids")) {
    const int64_t places = options.context + options.position_padding + 1;
    context.positions =
        inputs.ids_beside(ids, "position_ids", places, "the model's positions, of which it has")
            .to(request.device);
  }

  BertTaskModel model =
      load_bert(request.model, {.device = request.device, .attention = request.kernel()});
  const torch::NoGradGuard no_grad;
  const auto hidden = model->bert->forward(ids.to(request.device), context);  // [B, T, C]
  ForwardOutputs outputs = outputs_of(model, hidden);
  outputs.merge(trace.tensors);
  return outputs;
}

}  // namespace zoo
