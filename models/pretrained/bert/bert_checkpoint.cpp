// Whole checkpoints of the BERT families in and out.
#include "models/pretrained/bert/bert_checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "models/cost/bert_cost.h"
#include "models/pretrained/bert/bert_forward.h"
#include "models/pretrained/bert/bert_names.h"
#include "models/pretrained/format/checkpoint.h"
#include "models/pretrained/registry/family_of.h"
#include "models/pretrained/registry/model_registry.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

bool has_pooler(const SafetensorsReader& reader, BertFamily family) {
  const std::string name = family == BertFamily::kAlbert ? "pooler.weight" : "pooler.dense.weight";
  return reader.contains(name) || reader.contains(fmt::format("{}.{}", name_of(family), name)) ||
         reader.contains("bert.pooler.weight");  // of a zoo_bert
}

/// Whether the file has the head of the options' task: that of masked words, or a classifier.
bool has_head(const SafetensorsReader& reader, const BertTaskOptions& options) {
  if (options.task == BertTask::kNone) return false;
  const std::string ours =
      options.task == BertTask::kMaskedLm ? "masked_lm." : "classifier.out_proj.";
  for (const auto& row : bert_name_map(options).rows) {
    if (!row.ours.starts_with(ours)) continue;
    if (!std::ranges::all_of(row.theirs, [&](const auto& name) { return reader.contains(name); }))
      return false;
  }
  return true;
}

/// Whether the file's matrix that scores masked words differs from the embedding.
bool has_own_decoder(const SafetensorsReader& reader, const NameMap& tied) {
  return std::ranges::any_of(tied.copies, [&](const auto& copy) {
    return copy.first.ends_with(".weight") && differs_from_original(reader, tied, copy.first);
  });
}

struct BertFormat : CheckpointFormat<BertTaskModel, BertConfig> {
  static BertConfig from_json(const nlohmann::json& config) {
    return bert_config_from_json(config);
  }
  static nlohmann::json to_json(const BertConfig& config, const std::string& dtype) {
    return bert_config_to_json(config, dtype);
  }
  static BertConfig config_of(const BertTaskOptions& o) {
    return {.options = o, .layout = o.bert.family};
  }
  static std::string note(const BertTaskOptions& o) { return layout_note(o.bert); }
  static std::vector<std::string*> kernels(BertTaskOptions& o) { return {&o.bert.attention}; }
  static ModelCost cost(const BertTaskOptions& o) { return cost_of(o.bert, o.bert.context); }
  static NameMap names(const BertTaskOptions& o) { return bert_name_map(o); }
  static void settle(BertTaskOptions& o, const BertConfig&, const SafetensorsReader& reader) {
    if (o.task == BertTask::kNone) o.bert.pooler = has_pooler(reader, o.bert.family);
    // A matrix that scores masked words and has other values than the embedding is one of its own,
    // whatever config.json says of it.
    if (has_own_decoder(reader, bert_name_map(o))) o.tie_embeddings = false;
  }
  /// Where config.json ties what the file does not, the decoder's bias may stay under either name.
  static NameMap names_in(const BertTaskOptions& o, const BertConfig& config,
                          const SafetensorsReader&, bool /*head_optional*/) {
    NameMap map = bert_name_map(o);
    if (o.tie_embeddings || !config.options.tie_embeddings) return map;
    BertTaskOptions tied = o;
    tied.tie_embeddings = true;
    for (const auto& [copy, original] : bert_name_map(tied).copies)
      if (copy.ends_with(".bias")) map.stand_ins[original] = copy;
    return map;
  }
};

}  // namespace

BertConfig read_bert_config(const fs::path& folder) {
  return read_checkpoint_config<BertFormat>(folder);
}

BertTaskModel load_bert(const fs::path& folder, const LoadModelOptions& load, BertTask unnamed) {
  BertConfig config = read_bert_config(folder);
  if (!config.has_head) {
    auto with_head = config.options;
    with_head.task = unnamed;
    if (has_head(SafetensorsReader(folder), with_head)) config.options = with_head;
  }
  return load_checkpoint<BertFormat>(folder, config, load);
}

std::set<std::string> load_bert_weights(BertTaskModel& model, const fs::path& folder,
                                        bool new_classifier) {
  const auto family = read_bert_config(folder).options.bert.family;
  if (family != model->options.bert.family) {
    throw std::runtime_error(fmt::format("{}: a {}, but the model is a {}", folder.string(),
                                         name_of(family), name_of(model->options.bert.family)));
  }
  const auto heads = new_classifier ? HeadsOnDisk::kButClassifier : HeadsOnDisk::kOptional;
  std::set<std::string> kept;
  for (std::string name :
       load_named(*model, SafetensorsReader(folder), bert_name_map(model->options, heads))) {
    if (name.starts_with("bert.")) name.erase(0, 5);
    kept.insert(name.substr(0, name.find('.')));
  }
  return kept;
}

void save_bert(const BertTaskModel& model, const fs::path& folder, const SpecialIds& ids,
               std::vector<std::string> labels) {
  save_checkpoint<BertFormat>(*model, folder, {.ids = ids, .labels = std::move(labels)});
}

void register_bert(ModelRegistry& registry) {
  ModelFamily family = family_of<BertFormat>();
  family.model_types = model_types_of<BertFamily>();
  family.model_types.emplace_back(kZooBert);
  for (const auto& row : bert_architectures()) {
    family.architectures.emplace_back(row.name);
    family.architectures.push_back("Zoo" + std::string(row.name));
  }
  family.forward = forward_bert;
  family.cost = [](const fs::path& folder, int64_t length) -> CheckpointCost {
    const BertTaskOptions options = load_bert(folder)->options;
    if (length == 0) length = options.bert.context;
    return {.input = fmt::format("a sequence of {} tokens through the encoder", length),
            .cost = cost_of(options, length)};
  };
  registry.add(std::move(family));
}

}  // namespace zoo
