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
  bool special = true;  ///< left out by decode(..., skip_special)
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
  /// out.
  std::vector<Part> split(std::string_view text) const;

  const std::vector<AddedToken>& all() const { return tokens_; }

 private:
  const AddedToken* match(std::string_view text) const;
  std::vector<AddedToken> tokens_;  // longest first, so that the first match is the longest
  bool begins_[256] = {};           // bytes that some token begins with
};

}  // namespace zoo
