// config.json of BERT, RoBERTa, ALBERT, ELECTRA and DistilBERT as Hugging Face's `transformers`
// writes it.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>

#include "models/bert/bert_task.h"
#include "models/pretrained/format/checkpoint_config.h"

namespace zoo {

/// The reference's classes: a family with the heads of a task.
struct BertArchitecture {
  std::string_view name;
  BertFamily family;
  BertTask task;
};
std::span<const BertArchitecture> bert_architectures();

/// The model_type of encoders that are like none of the reference's; their family is under "zoo".
inline constexpr std::string_view kZooBert = "zoo_bert";

/// What the layout of the options' family would need; empty: nothing.
std::string unlike_reference(const BertOptions& options);

/// Why checkpoints of these options do not open in Python; empty where they do.
std::string layout_note(const BertOptions& options);

/// What config.json says. Without "architectures" it names no class: has_head is then false, and
/// the task kNone.
using BertConfig = CheckpointConfig<BertTaskOptions, BertFamily>;

/// The reference's keys, and all options under "zoo".
nlohmann::json bert_config_to_json(const BertConfig& config, const std::string& dtype);
/// Throws std::runtime_error with one line: another family, a feature that the zoo lacks, a value
/// of the wrong type, a "zoo" that contradicts the other keys.
BertConfig bert_config_from_json(const nlohmann::json& json);

}  // namespace zoo
