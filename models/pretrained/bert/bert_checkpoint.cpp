// Whole checkpoints of the BERT families in and out.
#include "models/pretrained/bert/bert_checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "base/files.h"
#include "models/pretrained/bert/bert_names.h"
#include "models/pretrained/format/checkpoint_folder.h"
#include "models/pretrained/format/config_json.h"
#include "models/pretrained/format/labels.h"
#include "models/pretrained/format/safetensors.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

/// At least so many parameters does config.json describe.
double claimed_parameters(const BertTaskOptions& model) {
  const BertOptions o = resolved(model.bert);
  const double C = double(o.d_model), E = o.embedding_width > 0 ? double(o.embedding_width) : C;
  const double tables = double(o.vocab_size) + double(o.context) + double(o.segments);
  return tables * E + double(o.shared_blocks) * least_block_parameters(o) +
         double(model.labels) * C;
}

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

/// Names for a file whose matrix that scores masked words has other values than the embedding: it
/// is one of its own then, whatever config.json says of it. Its bias may stay under either name.
NameMap untie(const SafetensorsReader& reader, BertTaskOptions& options) {
  const NameMap tied = bert_name_map(options);
  const bool own = std::ranges::any_of(tied.copies, [&](const auto& copy) {
    return copy.first.ends_with(".weight") && differs_from_original(reader, tied, copy.first);
  });
  if (!own) return tied;
  options.tie_embeddings = false;
  NameMap map = bert_name_map(options);
  for (const auto& [copy, original] : tied.copies)
    if (copy.ends_with(".bias")) map.stand_ins[original] = copy;
  return map;
}

}  // namespace

BertTaskModel load_bert(const fs::path& folder, const LoadBertOptions& load) {
  const BertConfig config = read_bert_config(folder);
  BertTaskOptions options = config.model;
  options.bert.attention = settled_kernel(load.attention, options.bert.attention, load.device);
  const SafetensorsReader reader(folder);
  check_claim(claimed_parameters(options), reader);
  if (!config.names_class) {
    auto with_head = options;
    with_head.task = load.unnamed;
    if (has_head(reader, with_head)) options = with_head;
  }
  if (options.task == BertTask::kNone)
    options.bert.pooler = has_pooler(reader, options.bert.family);
  const NameMap names = untie(reader, options);
  auto model = build_model<BertTaskModel>(options, folder);
  model->to(load.device, load.dtype);
  load_named(*model, reader, names);
  model->eval();
  return model;
}

std::set<std::string> load_bert_weights(BertTaskModel& model, const fs::path& folder,
                                        bool new_classifier) {
  const auto family = read_bert_config(folder).model.bert.family;
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
  const BertConfig config{.model = model->options,
                          .labels = complete_labels(std::move(labels), model->options.labels),
                          .ids = ids};
  const auto dtype = model->bert->token_embedding->weight.scalar_type();
  write_file(folder / "config.json",
             bert_config_to_json(config, config_dtype(dtype)).dump(2) + "\n");
  const NameMap map = bert_name_map(model->options);
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& [name, tensor] : export_named(*model, map)) {
    // An encoder alone is written without the prefix, as the reference does.
    const bool bare = model->options.task == BertTask::kNone && name.starts_with(map.prefix);
    tensors[bare ? name.substr(map.prefix.size()) : name] = tensor;
  }
  write_safetensors(folder / "model.safetensors", tensors);
}

}  // namespace zoo
