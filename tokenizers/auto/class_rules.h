// The tokenizer classes of `transformers`. A class builds its stages itself: from a tokenizer.json
// it takes only the vocabulary, SentencePiece's normalisation and the post-processor. The generic
// class takes the whole file.
#pragma once
#include <functional>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizers/auto/settings.h"
#include "tokenizers/auto/source_vocabulary.h"

namespace zoo {

/// The id of a token; throws if it has none.
using TokenIds = std::function<int32_t(const std::string& token)>;

/// The parts of a tokenizer.json that a class builds.
struct ClassParts {
  nlohmann::json normalizer = {}, pre_tokenizer = {}, decoder = {}, model = {};
  nlohmann::json post_processor = {};  ///< a tokenizer.json's own takes precedence
  /// Set if the class ignores the file's post-processor and builds its own.
  std::function<nlohmann::json(const TokenIds&)> own_post_processor = {};
  /// The post-processor is always that of add_bos_token and add_eos_token, whatever the file has.
  bool always_bos_eos = false;
  /// All special tokens are added again after the files' own: by text alone (Qwen 2), or with their
  /// flags. In the latter case add_bos_token and add_eos_token take precedence over the class.
  enum class ReAdd { kNo, kByText, kWithFlags };
  ReAdd re_add = ReAdd::kNo;
};

/// A class's view of the files. Reading a token also sets its default, so that it is added.
class ClassInput {
 public:
  ClassInput(TokenizerSettings& settings, SourceVocabulary& source)
      : settings(settings), source(source) {}

  /// The text of a role's token. Throws std::runtime_error if the files set it to null.
  std::string token(std::string_view role, const char* fallback);
  /// The same, or nullopt; fallback: nullptr for none.
  std::optional<std::string> optional_token(std::string_view role, const char* fallback);
  /// optional_token for several roles.
  void default_tokens(
      std::initializer_list<std::pair<std::string_view, const char*>> roles_and_fallbacks);
  /// A role's token in the files, without setting a default; "None" if they set it to null.
  std::string token_in_files(std::string_view role, const char* fallback) const;
  /// Sets lstrip on a role's token that is given by its text alone.
  void strip_left_of(std::string_view role);
  bool flag(std::string_view key, bool fallback) const { return settings.flag(key, fallback); }
  /// Throws std::runtime_error for a value that is no number from 0 to 2^20.
  int64_t number(std::string_view key, int64_t fallback) const;
  /// additional_special_tokens, for a class with its own.
  std::optional<TokenizerSettings::Tokens>& additional() { return settings.additional; }

  TokenizerSettings& settings;
  SourceVocabulary& source;
};

struct ClassRules {
  enum class Model { kBpe, kWordPiece, kUnigram };
  std::string_view name;
  Model model;
  /// The files of its vocabulary, without a tokenizer.json.
  std::vector<std::string_view> files;
  ClassParts (*make)(ClassInput&);
  /// The class takes a whole tokenizer.json, as the generic class does.
  bool takes_json = false;
};

/// Throws std::runtime_error for a class that is not supported, with a list of those that are.
const ClassRules& require_rules_of_class(std::string_view name);

// The classes by the kind of their model, a file each.
std::span<const ClassRules> byte_level_classes();
std::span<const ClassRules> wordpiece_classes();
std::span<const ClassRules> t5_classes();
std::span<const ClassRules> unigram_classes();
std::span<const ClassRules> sentencepiece_bpe_classes();
std::span<const ClassRules> translation_classes();

// Parts that several classes share.

/// A text ("$A", "$B") or a token, with its segment.
struct Slot {
  std::string token;
  int segment = 0;
};
nlohmann::json template_json(const std::vector<Slot>& single, const std::vector<Slot>& pair,
                             const TokenIds& id_of);
/// Moves the pieces and merges out of the source.
nlohmann::json bpe_json(SourceVocabulary& source);
/// {"type": "Sequence", key: steps}
nlohmann::json sequence_json(const char* key, nlohmann::json::array_t steps);

}  // namespace zoo
