// config.json of the BERT families: which class of the reference it names, and reading it back.
#include "models/pretrained/bert/bert_config.h"

#include <c10/util/Exception.h>

#include "models/pretrained/bert/bert_config_keys.h"
#include "models/pretrained/format/config_json.h"
#include "models/pretrained/format/labels.h"
#include "models/pretrained/format/stack_demands.h"
#include "models/pretrained/gpt/gpt_config_keys.h"

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
  const auto found = read_architecture(config, names, is_zoo ? kZooBert : name_of(family));
  if (!found) return std::nullopt;
  return tasks[*found];
}

/// Sizes that "zoo" brought; the reference's keys were checked when read.
void check_sizes(const BertOptions& o) {
  for (const int64_t size : {o.context, o.layers, o.d_model, o.heads, o.segments,
                             o.feed_forward + 1, o.embedding_width + 1, o.shared_blocks + 1,
                             o.position_padding + 2, o.kv_heads + 1, o.head_width + 1}) {
    if (size < 1 || size > INT32_MAX) config_fail("\"zoo\": a size is out of range");
  }
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

}  // namespace

std::string unlike_reference(const BertOptions& o) {
  Demands demands;
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
  const auto& model = config.model;
  const auto& ids = config.ids;
  json result = bert_keys(model);
  const bool is_zoo = !unlike_reference(model.bert).empty();
  result["model_type"] = is_zoo ? kZooBert : name_of(model.bert.family);
  result["architectures"] = {class_name(architecture_name(model.bert.family, model.task), is_zoo)};
  result["dtype"] = dtype;
  result["bos_token_id"] = ids.bos ? json(*ids.bos) : json();
  result["eos_token_id"] = ids.eos.empty() ? json() : json(ids.eos.front());
  if (model.bert.family != BertFamily::kRoberta)
    result["pad_token_id"] = ids.pad ? json(*ids.pad) : json();
  if (classifies(model.task)) put_labels(config.labels, result);
  result["zoo"] = options_to_json(resolved(model.bert));
  return result;
}

BertConfig bert_config_from_json(const json& config) {
  const BertFamily family = family_of(config);
  const auto task = task_from_json(config, family, is_zoo_bert(config));
  BertConfig result{.model = bert_options_from_keys(config, family, task.value_or(BertTask::kNone)),
                    .labels = {},
                    .ids = special_ids(config),
                    .names_class = task.has_value()};
  if (classifies(task.value_or(BertTask::kClassifyText))) {
    result.labels = labels_of(config);
    result.model.labels = std::ssize(result.labels);
  }
  if (const auto zoo = config.find("zoo"); zoo != config.end()) {
    options_from_json(*zoo, result.model.bert);
    check_sizes(result.model.bert);
    check_agreement(config, bert_keys(result.model));
  }
  check(result.model.bert);
  if (is_zoo_bert(config) == unlike_reference(result.model.bert).empty()) {
    config_fail("model_type {} does not fit the options under \"zoo\"",
                json_value<std::string>(config["model_type"], "model_type"));
  }
  return result;
}

BertConfig read_bert_config(const std::filesystem::path& folder) {
  BertConfig result;
  read_config(folder, [&](const json& config) { result = bert_config_from_json(config); });
  return result;
}

}  // namespace zoo
