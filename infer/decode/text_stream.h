// Streams tokens to text: never a partial character, never a part of a stop string.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "infer/decode/options.h"
#include "tokenizers/tokenizer.h"

namespace zoo {

/// The text of one row. Bytes that may become a stop string, or are a partial character, are held
/// back until that is decided. Each invalid UTF-8 byte becomes U+FFFD; special tokens and ids
/// outside the vocabulary add nothing.
class TextStream {
 public:
  /// `at_start`: no text precedes, so the space that a tokenizer puts before the first word is
  /// removed.
  TextStream(const Tokenizer& tokenizer, std::vector<std::string> stop_strings,
             bool at_start = false);

  /// Text that can now be shown; may be empty.
  std::string push(int64_t id);
  /// Returns the held-back text, at the end of a generation that no stop string ended.
  std::string finish();
  /// A stop string was found; all text before it was returned.
  bool stopped() const { return stopped_; }
  /// All text returned so far.
  const std::string& text() const { return text_; }

 private:
  std::string give_out(size_t bytes);
  std::string bytes_of(int64_t id);

  const Tokenizer& tokenizer_;
  std::vector<std::string> stop_strings_;
  bool at_start_, stopped_ = false;
  std::string held_;  // bytes that were not returned yet
  std::string text_;
};

/// Ends a text as soon as it contains one of the strings: for DecodeOptions::stops. The tokenizer
/// must outlive the rule.
StopRule stop_strings_rule(const Tokenizer& tokenizer, std::vector<std::string> stop_strings);

/// Number of bytes at the end of `text` that may begin one of `strings` (a complete one does not
/// count).
size_t beginning_at_end(std::string_view text, std::span<const std::string> strings);
/// Number of bytes at the end of `text` that begin an incomplete character.
size_t half_character_at_end(std::string_view text);

}  // namespace zoo
