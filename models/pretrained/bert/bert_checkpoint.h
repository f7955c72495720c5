// Checkpoint folders of the BERT families: config.json and model.safetensors, as Python's
// `transformers` writes and reads them.
#pragma once
#include <torch/types.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "models/bert/bert_task.h"
#include "models/pretrained/bert/bert_config.h"
#include "models/pretrained/format/checkpoint_folder.h"

namespace zoo {

class ModelRegistry;

/// Reads config.json of a checkpoint folder. Throws std::runtime_error with one line that begins
/// with its path.
BertConfig read_bert_config(const std::filesystem::path& folder);

/// The model of a folder with the heads that config.json names, in evaluation mode. Where it names
/// no class, the head of `unnamed` is taken if the file has it. An encoder alone may come with a
/// pooler or without. Throws std::runtime_error with one line.
BertTaskModel load_bert(const std::filesystem::path& folder, const LoadModelOptions& options = {},
                        BertTask unnamed = BertTask::kNone);

/// Only the weights, into a model that stands, perhaps for another task (fine-tuning): heads that
/// the folder lacks keep their values, heads that the model lacks are passed over.
/// `new_classifier`: the folder's classifier has other classes and is passed over, too. Returns
/// what kept its values: "classifier", "pooler", ...
std::set<std::string> load_bert_weights(BertTaskModel& model, const std::filesystem::path& folder,
                                        bool new_classifier = false);

/// Writes config.json and model.safetensors into an existing folder. `labels` name the classes of
/// the classifying tasks, LABEL_0 and so on where there are none.
void save_bert(const BertTaskModel& model, const std::filesystem::path& folder,
               const SpecialIds& ids = {}, std::vector<std::string> labels = {});

/// Adds the family: model types bert, roberta, albert, electra, distilbert, zoo_bert.
void register_bert(ModelRegistry& registry);

}  // namespace zoo
