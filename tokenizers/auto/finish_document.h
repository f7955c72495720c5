// The last steps of every class: tokens, post-processor, and the two documents.
#pragma once
#include <string>

#include "tokenizers/auto/auto_document.h"
#include "tokenizers/auto/class_rules.h"
#include "tokenizers/stages/added_ids.h"

namespace zoo {

/// The steps of TokenizersBackend.__init__ after a class has built its parts, in its order. `added`
/// holds the tokens of a tokenizer.json.
AutoDocument finish_document(const ClassParts& parts, const SourceVocabulary& source,
                             TokenizerSettings settings, AddedIds added);

/// Sets pad_token to the token that a tokenizer.json's padding names, if the files do not set it.
void take_padding_token(const SourceVocabulary& source, TokenizerSettings& settings);

/// A tokenizer_config.json with the roles and the keys that affect results. all_roles: roles
/// without a token are null, so that no other token is used for them.
std::string config_of(const TokenizerSettings& settings, bool all_roles);

}  // namespace zoo
