// The added tokens of a folder: those of its tokenizer.json and those of its configuration files.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "tokenizers/auto/class_rules.h"
#include "tokenizers/auto/settings.h"
#include "tokenizers/stages/added_ids.h"

namespace zoo {

/// The ids of a model's "vocab", by text. Of equal entries of a list the last one counts. The
/// "vocab" must outlive it.
class ModelIds {
 public:
  /// Throws std::runtime_error for a list with other entries than [piece, score].
  explicit ModelIds(const nlohmann::json& vocab);
  std::optional<int32_t> operator()(std::string_view text) const;
  /// No tokens yet, on the ids of this model.
  AddedIds added() const;

 private:
  const nlohmann::json& vocab_;
  std::unordered_map<std::string_view, int32_t> listed_;
};

/// The text of a role's token; empty: none.
std::string role_text(const TokenizerSettings& settings, std::string_view role);

/// Adds the tokens of the configuration files: added tokens first, then named ones, then extra
/// ones.
void add_tokens(const TokenizerSettings& settings, AddedIds& added);

/// Adds all special tokens again, for classes that do so.
void add_again(const TokenizerSettings& settings, ClassParts::ReAdd how, AddedIds& added);

/// The id of a token, or of the unknown token; throws std::runtime_error if neither has one.
TokenIds token_ids(const TokenizerSettings& settings, const AddedIds& added);

}  // namespace zoo
