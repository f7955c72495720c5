// A folder of any class of `transformers` as one tokenizer.json: its class's stages around its
// vocabulary, its tokens with the ids that they get there, and what stands around a text.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "tokenizers/auto/settings.h"
#include "tokenizers/auto/source_vocabulary.h"

namespace zoo {

struct AutoDocument {
  std::string tokenizer_json = {};
  /// A tokenizer_config.json for it: the roles by name, and what else concerns the document's use.
  /// Both together are the same tokenizer for the generic class, too.
  std::string config = {};
  bool as_written = false;  ///< the tokenizer.json is the folder's own, to the letter
};

/// A class other than the generic one. Throws std::runtime_error, also for a class that the zoo
/// does not know.
AutoDocument class_document(std::string_view class_name, TokenizerSettings settings,
                            SourceVocabulary source);

/// A class with a tokenizer.json beside it, whose text and contents these are.
AutoDocument json_document(std::string_view class_name, TokenizerSettings settings,
                           std::string text, const nlohmann::json& tokenizer_json);

/// The generic class with a SentencePiece model alone.
AutoDocument model_document(TokenizerSettings settings, std::string_view model);

}  // namespace zoo
