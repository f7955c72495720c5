// Tokens to text as they come: never half a character, never a part of a stop string.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "infer/decode/options.h"
#include "tokenizers/tokenizer.h"

namespace zoo {

/// Text of one row. What might still become a stop string, or is half a character, is held back
/// until that is decided. Bytes that are not UTF-8 become U+FFFD, each one; special tokens and
/// ids outside the vocabulary add nothing.
class TextStream {
 public:
  /// `at_start`: no text stands before, so that the space that a tokenizer puts before the first
  /// word goes.
  TextStream(const Tokenizer& tokenizer, std::vector<std::string> stop_strings,
             bool at_start = false);

  /// Text that can now be shown; may be empty.
  std::string push(int64_t id);
  /// What was held back, at the end of a generation that no stop string ended.
  std::string finish();
  /// A stop string has come; all text before it was given out.
  bool stopped() const { return stopped_; }
  /// All that was given out so far.
  const std::string& text() const { return text_; }

 private:
  std::string give_out(size_t bytes);
  std::string bytes_of(int64_t id);

  const Tokenizer& tokenizer_;
  std::vector<std::string> stop_strings_;
  bool at_start_, stopped_ = false;
  std::string held_;  // bytes that were not given out
  std::string text_;
};

/// Ends a text as soon as it holds one of the strings: for DecodeOptions::stops. The tokenizer must
/// outlive the rule.
StopRule stop_strings_rule(const Tokenizer& tokenizer, std::vector<std::string> stop_strings);

/// Bytes at the end of `text` that may be the beginning of one of `strings` (a whole one does not
/// count).
size_t beginning_at_end(std::string_view text, std::span<const std::string> strings);
/// Bytes at the end of `text` that begin a character whose rest is missing.
size_t half_character_at_end(std::string_view text);

}  // namespace zoo
