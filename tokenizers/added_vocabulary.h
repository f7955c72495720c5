// The added tokens of a tokenizer.json, numbered and found as the `tokenizers` package does.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "tokenizers/added_tokens.h"
#include "tokenizers/algorithms/subword_model.h"
#include "tokenizers/stages/normalizer.h"

namespace zoo {

/// A token that the model has keeps the model's id, further ones count on from its number of
/// pieces: the ids that the file gives them say nothing. Of two entries for one id the last counts.
/// Where the normalizer makes one text of two tokens, the package finds either; here it is the one
/// with the smaller id.
class AddedVocabulary {
 public:
  AddedVocabulary() = default;
  /// `listed` in the order of the file; normalizer: null for none. find_special: else special ones
  /// are text like any other.
  AddedVocabulary(const std::vector<AddedToken>& listed, const SubwordModel& model,
                  const Normalizer* normalizer, bool find_special = true);

  /// The token's text, normalized where it is; null for an id that is none.
  const std::string* shown(int32_t id) const;
  /// By the text of the file.
  std::optional<int32_t> id_of(std::string_view text) const;
  /// Whether an entry of that text is special.
  bool is_special(const std::string& piece) const { return special_.contains(piece); }
  /// One past the largest id.
  int32_t end() const { return tokens_.empty() ? 0 : tokens_.back().token.id + 1; }

  /// Looked for before the normalizer, and after it.
  const AddedTokens& raw() const { return raw_; }
  const AddedTokens& normalized() const { return normalized_; }

 private:
  struct Entry {
    AddedToken token;
    std::string shown;
  };
  const Entry* find(int32_t id) const;

  std::vector<Entry> tokens_;  // by id
  std::unordered_set<std::string> special_;
  AddedTokens raw_, normalized_;
};

}  // namespace zoo
