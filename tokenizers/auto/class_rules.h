// What the tokenizer classes of `transformers` make of a vocabulary. A class builds its stages
// itself: of a tokenizer.json it takes the vocabulary, SentencePiece's normalisation and the
// post-processor, and nothing else. The generic class alone takes the file as it is.
#pragma once
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/auto/settings.h"
#include "tokenizers/auto/source_vocabulary.h"

namespace zoo {

/// The id of a token, which must have one.
using TokenIds = std::function<int32_t(const std::string& token)>;

/// What a class makes before its tokens are added, and after.
struct ClassParts {
  nlohmann::json normalizer = {}, pre_tokenizer = {}, decoder = {}, model = {};
  nlohmann::json post_processor = {};  ///< that of a tokenizer.json counts before it
  /// Set where the class puts its own around a text whatever the file says.
  std::function<nlohmann::json(const TokenIds&)> own_post_processor = {};
  /// bos_token and eos_token around a text, where add_bos_token and add_eos_token say so, whatever
  /// the file says.
  bool always_bos_eos = false;
  /// All special tokens are added once more, after the files' own: by text alone (Qwen 2), or with
  /// their flags, and what add_bos_token and add_eos_token say then counts last.
  enum class Again { kNo, kByText, kWithFlags };
  Again again = Again::kNo;
};

/// What a class asks for. Asking for a token settles its default, so that it is added, too.
class ClassInput {
 public:
  ClassInput(TokenizerSettings& settings, SourceVocabulary& source)
      : settings(settings), source(source) {}

  /// The text of a role's token. Throws std::runtime_error where the files say that it is none.
  std::string token(std::string_view role, const char* usual);
  /// The same, or nothing; usual: nullptr for none.
  std::optional<std::string> optional_token(std::string_view role, const char* usual);
  /// What the files say of a role before the class does; "None" where they say null.
  std::string said(std::string_view role, const char* otherwise) const;
  /// A role's token that is written as a text alone takes the whitespace before it along.
  void strip_left_of(std::string_view role);
  bool flag(std::string_view key, bool otherwise) const { return settings.flag(key, otherwise); }
  int64_t number(std::string_view key, int64_t otherwise) const;
  /// additional_special_tokens of a class that has some by itself.
  std::optional<TokenizerSettings::Tokens>& additional() { return settings.additional; }

  TokenizerSettings& settings;
  SourceVocabulary& source;
};

struct ClassRules {
  enum class Model { kBpe, kWordPiece, kUnigram };
  std::string_view name;
  Model model;
  std::vector<std::string_view>
      files;  ///< that hold its vocabulary where there is no tokenizer.json
  ClassParts (*make)(ClassInput&);
  /// A class without a constructor of its own takes a tokenizer.json as it is.
  bool takes_json = false;
};

/// Throws std::runtime_error for a class that the zoo does not know, and names those that it does.
const ClassRules& require_rules_of_class(std::string_view name);

// The classes by the kind of their model.
std::span<const ClassRules> byte_level_classes();
std::span<const ClassRules> wordpiece_classes();
std::span<const ClassRules> unigram_classes();
std::span<const ClassRules> sentencepiece_bpe_classes();
std::span<const ClassRules> translation_classes();

// What several of them say.

/// A text's place ("$A", "$B") or a token, with its segment.
struct Slot {
  std::string token;
  int segment = 0;
};
nlohmann::json template_json(const std::vector<Slot>& single, const std::vector<Slot>& pair,
                             const TokenIds& id_of);
/// Takes the source's pieces and merges away.
nlohmann::json bpe_json(SourceVocabulary& source);
/// {"type": "Sequence", key: steps}
nlohmann::json sequence_json(const char* key, nlohmann::json::array_t steps);

}  // namespace zoo
