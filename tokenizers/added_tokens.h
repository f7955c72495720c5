// Tokens that stand outside a tokenizer's model: written in a text, each becomes one id.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

struct AddedToken {
  int32_t id = 0;
  std::string text;
  bool special = true;       ///< left out by decode(..., skip_special)
  bool single_word = false;  ///< not found inside a word
  bool lstrip = false;       ///< takes the whitespace before it along
  bool rstrip = false;       ///< takes the whitespace after it along
  bool normalized = false;   ///< looked for after the normalizer, which is applied to it, too
};

class AddedTokens {
 public:
  AddedTokens() = default;
  /// Throws std::invalid_argument for an empty text, or one given twice.
  explicit AddedTokens(std::vector<AddedToken> tokens);

  /// A stretch of the text: an added token where `id` has a value, else text for the model.
  struct Part {
    std::string_view text;
    size_t begin = 0;
    std::optional<int32_t> id = std::nullopt;
  };
  /// Leftmost match first, the longest of those that begin at one place; empty stretches are left
  /// out. As the reference does it, a token may begin in the whitespace that the one before took
  /// along: the two stretches then overlap.
  std::vector<Part> split(std::string_view text) const;

  const std::vector<AddedToken>& all() const { return tokens_; }
  bool empty() const { return tokens_.empty(); }

 private:
  const AddedToken* match(std::string_view text) const;
  std::vector<AddedToken> tokens_;  // by first byte; of those, the longest first
  std::vector<size_t> first_;       // tokens that begin with byte b: first_[b] to first_[b + 1]
};

}  // namespace zoo
