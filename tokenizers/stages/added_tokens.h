// First stage: tokens outside a tokenizer's model. Each occurrence in a text becomes one id.
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
  bool special = true;       ///< omitted by decode(..., skip_special)
  bool single_word = false;  ///< not matched inside a word
  bool lstrip = false;       ///< its match includes the whitespace before it
  bool rstrip = false;       ///< its match includes the whitespace after it
  bool normalized = false;   ///< normalized, and searched for after the normalizer
};

class AddedTokens {
 public:
  AddedTokens() = default;
  /// Throws std::invalid_argument for an empty or repeated text.
  explicit AddedTokens(std::vector<AddedToken> tokens);

  /// A part of the text: an added token if `id` has a value, else text for the model.
  struct Part {
    std::string_view text;
    size_t begin = 0;
    std::optional<int32_t> id = std::nullopt;
  };
  /// Leftmost match first, and the longest at each position; empty parts are omitted. As in the
  /// reference, a match can begin in the whitespace that belongs to the match before it; the two
  /// parts then overlap.
  std::vector<Part> split(std::string_view text) const;

  const std::vector<AddedToken>& all() const { return tokens_; }
  bool empty() const { return tokens_.empty(); }

 private:
  const AddedToken* match(std::string_view text) const;
  std::vector<AddedToken> tokens_;  // by first byte; of those, the longest first
  std::vector<size_t> first_;       // tokens that begin with byte b: first_[b] to first_[b + 1]
};

}  // namespace zoo
