// The added tokens of a tokenizer.json, numbered and searched for as in the `tokenizers` package.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "tokenizers/algorithms/subword_model.h"
#include "tokenizers/stages/added_tokens.h"
#include "tokenizers/stages/normalizer.h"

namespace zoo {

/// Ids as in added_ids.h. Where the normalizer maps two tokens to one text, the package finds
/// either at random; here it is the one with the smaller id.
class AddedVocabulary {
 public:
  AddedVocabulary() = default;
  /// `listed` in the order of the file; normalizer: null for none. find_special: whether to search
  /// for special tokens in a text.
  AddedVocabulary(const std::vector<AddedToken>& listed, const SubwordModel& model,
                  const Normalizer* normalizer, bool find_special = true);

  /// The token's text, normalized if the token is; null for an id that is no added token.
  const std::string* shown(int32_t id) const;
  /// By the text in the file.
  std::optional<int32_t> id_of(std::string_view text) const;
  /// Whether an entry of that text is special.
  bool is_special(const std::string& piece) const { return special_.contains(piece); }
  /// One past the largest id; 0 without tokens.
  int32_t end() const { return tokens_.empty() ? 0 : tokens_.back().token.id + 1; }

  /// Tokens that are searched for before the normalizer, and after it.
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
