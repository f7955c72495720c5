// The reference's own keys in config.json of the BERT families, and our options.
#pragma once
#include <nlohmann/json_fwd.hpp>

#include "models/pretrained/bert/bert_config.h"

namespace zoo {

/// The keys that carry the options; nothing else.
nlohmann::json bert_keys(const BertTaskOptions& model);
/// The reverse, with the reference's defaults for keys that are missing. Throws std::runtime_error
/// for features that the zoo lacks.
BertTaskOptions bert_options_from_keys(const nlohmann::json& config, BertFamily family,
                                       BertTask task);

}  // namespace zoo
