// config.json of the BERT families: which class of the reference it names, and reading it back.
#include "models/pretrained/bert/bert_config.h"

#include "models/pretrained/bert/bert_config_keys.h"
#include "models/pretrained/format/config_json.h"
#include "models/pretrained/format/labels.h"
#include "models/pretrained/format/usual_stack.h"

namespace zoo {
namespace {

using nlohmann::json;

constexpr BertArchitecture kArchitectures[] = {
    {"BertModel", BertFamily::kBert, BertTask::kNone},
    {"BertForMaskedLM", BertFamily::kBert, BertTask::kMaskedLm},
    {"BertForPreTraining", BertFamily::kBert, BertTask::kPreTraining},
    {"BertForNextSentencePrediction", BertFamily::kBert, BertTask::kNextSentence},
    {"BertForSequenceClassification", BertFamily::kBert, BertTask::kClassifyText},
    {"BertForTokenClassification", BertFamily::kBert, BertTask::kClassifyTokens},
    {"RobertaModel", BertFamily::kRoberta, BertTask::kNone},
    {"RobertaForMaskedLM", BertFamily::kRoberta, BertTask::kMaskedLm},
    {"RobertaForSequenceClassification", BertFamily::kRoberta, BertTask::kClassifyText},
    {"RobertaForTokenClassification", BertFamily::kRoberta, BertTask::kClassifyTokens},
    {"AlbertModel", BertFamily::kAlbert, BertTask::kNone},
    {"AlbertForMaskedLM", BertFamily::kAlbert, BertTask::kMaskedLm},
    {"AlbertForPreTraining", BertFamily::kAlbert, BertTask::kPreTraining},
    {"AlbertForSequenceClassification", BertFamily::kAlbert, BertTask::kClassifyText},
    {"AlbertForTokenClassification", BertFamily::kAlbert, BertTask::kClassifyTokens},
    {"ElectraModel", BertFamily::kElectra, BertTask::kNone},
    {"ElectraForMaskedLM", BertFamily::kElectra, BertTask::kMaskedLm},
    {"ElectraForPreTraining", BertFamily::kElectra, BertTask::kPreTraining},
    {"ElectraForSequenceClassification", BertFamily::kElectra, BertTask::kClassifyText},
    {"ElectraForTokenClassification", BertFamily::kElectra, BertTask::kClassifyTokens},
    {"DistilBertModel", BertFamily::kDistilBert, BertTask::kNone},
    {"DistilBertForMaskedLM", BertFamily::kDistilBert, BertTask::kMaskedLm},
    {"DistilBertForSequenceClassification", BertFamily::kDistilBert, BertTask::kClassifyText},
    {"DistilBertForTokenClassification", BertFamily::kDistilBert, BertTask::kClassifyTokens},
};

bool classifies(BertTask task) {
  return task == BertTask::kClassifyText || task == BertTask::kClassifyTokens;
}

std::string_view architecture_name(BertFamily family, BertTask task) {
  for (const auto& row : kArchitectures) {
    if (row.family == family && row.task == task) return row.name;
  }
  throw std::invalid_argument(
      fmt::format("family {} has no head for task {}", name_of(family), name_of(task)));
}

/// "ZooBertForMaskedLM" where the reference has no such model.
std::string class_name(std::string_view reference, bool is_zoo) {
  return (is_zoo ? "Zoo" : "") + std::string(reference);
}

/// Nothing without "architectures".
std::optional<BertTask> task_from_json(const json& config, BertFamily family, bool is_zoo) {
  std::vector<std::string> classes;
  std::vector<BertTask> tasks;
  for (const auto& row : kArchitectures) {
    if (row.family != family) continue;
    classes.push_back(class_name(row.name, is_zoo));
    tasks.push_back(row.task);
  }
  const std::vector<std::string_view> names(classes.begin(), classes.end());
  const auto found = read_architecture(config, names);
  if (!found) return std::nullopt;
  return tasks[*found];
}

bool is_zoo_bert(const json& config) {
  const auto type = config.find("model_type");
  return type != config.end() && *type == kZooBert;
}

BertFamily family_of(const json& config) {
  if (!is_zoo_bert(config)) return read_model_type<BertFamily>(config);
  const auto zoo = config.find("zoo");
  if (zoo == config.end() || !zoo->is_object() || !zoo->contains("family"))
    config_fail("model_type {} needs the options under \"zoo\"", kZooBert);
  return parse_enum<BertFamily>(json_value<std::string>((*zoo)["family"], "family"));
}

/// Options of layers mean nothing to a block that serves several: what an earlier version of the
/// zoo let through and did not use.
void drop_unused(BertOptions& o) {
  if (o.shared_blocks == 0 || o.shared_blocks == o.layers) return;
  o.drop_path = 0.0;
  o.scale_by_layer = false;
}

}  // namespace

std::string unlike_reference(const BertOptions& o) {
  Demands demands;
  if (o.family == BertFamily::kDistilBert)
    demands.expect(o.norm_epsilon == 1e-12, "norm-epsilon 1e-12");  // there is no key for it
  demands.expect(o.position == PositionKind::kLearned, "position learned");
  demands.expect(o.norm_place == NormPlace::kPost, "norm-place post");
  expect_usual_stack(o, demands);
  return demands.text();
}

std::string layout_note(const BertOptions& o) {
  const std::string needs = unlike_reference(o);
  if (needs.empty()) return "";
  return fmt::format(
      "checkpoints are written as model_type {}, which Python's transformers does not open: the "
      "layout of {} would need {}",
      kZooBert, name_of(o.family), needs);
}

std::span<const BertArchitecture> bert_architectures() { return kArchitectures; }

json bert_config_to_json(const BertConfig& config, const std::string& dtype) {
  const BertOptions& bert = config.options.bert;
  const BertTask task = config.options.task;
  const auto& ids = config.ids;
  json result = bert_keys(config.options);
  const bool is_zoo = !unlike_reference(bert).empty();
  put_class(result, is_zoo ? kZooBert : name_of(bert.family),
            class_name(architecture_name(bert.family, task), is_zoo), dtype);
  result["bos_token_id"] = ids.bos ? json(*ids.bos) : json();
  result["eos_token_id"] = ids.eos.empty() ? json() : json(ids.eos.front());
  if (bert.family != BertFamily::kRoberta)
    result["pad_token_id"] = ids.pad ? json(*ids.pad) : json();
  if (classifies(task)) put_labels(complete_labels(config.labels, config.options.labels), result);
  result["zoo"] = options_to_json(resolved(bert));
  return result;
}

BertConfig bert_config_from_json(const json& config) {
  const BertFamily family = family_of(config);
  const auto task = task_from_json(config, family, is_zoo_bert(config));
  BertConfig result{
      .options = bert_options_from_keys(config, family, task.value_or(BertTask::kNone)),
      .layout = family,
      .has_head = task.has_value(),
      .ids = special_ids(config)};
  if (classifies(task.value_or(BertTask::kClassifyText))) {
    result.labels = labels_of(config);
    result.options.labels = std::ssize(result.labels);
  }
  if (read_zoo_options(config, result.options.bert, /*needs=*/false))
    check_agreement(config, bert_keys(result.options));
  drop_unused(result.options.bert);
  check(result.options.bert);
  if (is_zoo_bert(config) == unlike_reference(result.options.bert).empty()) {
    config_fail("model_type {} does not fit the options under \"zoo\"",
                json_value<std::string>(config["model_type"], "model_type"));
  }
  return result;
}

}  // namespace zoo
