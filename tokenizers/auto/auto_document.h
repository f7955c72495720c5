// Converts a folder of any tokenizer class of `transformers` to one tokenizer.json: the stages of
// the class, the folder's vocabulary, its added tokens with their ids, and the template.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "tokenizers/auto/settings.h"
#include "tokenizers/auto/source_vocabulary.h"

namespace zoo {

struct AutoDocument {
  std::string tokenizer_json = {};
  /// A tokenizer_config.json for it: the roles, and further keys that affect results. The generic
  /// class reads both as the same tokenizer.
  std::string config = {};
  bool as_written = false;  ///< tokenizer_json is the folder's own file, unchanged
};

/// For a class other than the generic one. Throws std::runtime_error, also for a class that is not
/// supported.
AutoDocument class_document(std::string_view class_name, TokenizerSettings settings,
                            SourceVocabulary source);

/// For any class with a tokenizer.json, given as text and parsed.
AutoDocument json_document(std::string_view class_name, TokenizerSettings settings,
                           std::string text, const nlohmann::json& tokenizer_json);

/// For the generic class with a SentencePiece model and no tokenizer.json.
AutoDocument model_document(TokenizerSettings settings, std::string_view model);

}  // namespace zoo
