// Tokens to text as they come, held back where a character or a stop string may be unfinished.
#include "infer/decode/text_stream.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "tokenizers/text/utf8.h"

namespace zoo {

size_t beginning_at_end(std::string_view text, std::span<const std::string> strings) {
  size_t longest = 0;
  for (const std::string& string : strings) {
    for (size_t size = std::min(string.size() - 1, text.size()); size > longest; --size) {
      if (text.ends_with(std::string_view(string).substr(0, size))) longest = size;
    }
  }
  return longest;
}

size_t half_character_at_end(std::string_view text) {
  // A character has at most four bytes: its first one lies among the last three when the rest is
  // missing.
  for (size_t size = 1; size <= std::min<size_t>(3, text.size()); ++size) {
    const auto byte = static_cast<uint8_t>(text[text.size() - size]);
    if ((byte & 0xC0) == 0x80) continue;  // a later byte of a character
    const size_t whole = byte >= 0xF0 && byte <= 0xF4   ? 4
                         : byte >= 0xE0 && byte <= 0xEF ? 3
                         : byte >= 0xC2 && byte <= 0xDF ? 2
                                                        : 1;
    return size < whole ? size : 0;
  }
  return 0;
}

TextStream::TextStream(const Tokenizer& tokenizer, std::vector<std::string> stop_strings,
                       bool at_start)
    : tokenizer_(tokenizer), stop_strings_(std::move(stop_strings)), at_start_(at_start) {
  if (std::ranges::any_of(stop_strings_, &std::string::empty)) {
    throw std::invalid_argument("stop must not be empty: the text would end before it began");
  }
}

std::string TextStream::push(int64_t id) {
  if (stopped_) return {};
  held_ += bytes_of(id);
  size_t stop = std::string::npos;
  for (const std::string& string : stop_strings_) stop = std::min(stop, held_.find(string));
  if (stop != std::string::npos) {
    stopped_ = true;
    held_.resize(stop);
    return give_out(stop);
  }
  return give_out(held_.size() -
                  std::max(beginning_at_end(held_, stop_strings_), half_character_at_end(held_)));
}

std::string TextStream::finish() { return give_out(held_.size()); }

StopRule stop_strings_rule(const Tokenizer& tokenizer, std::vector<std::string> stop_strings) {
  return [&tokenizer, stop_strings = std::move(stop_strings)](std::span<const int64_t> new_tokens) {
    TextStream text(tokenizer, stop_strings);
    for (const int64_t token : new_tokens) text.push(token);
    return text.stopped();
  };
}

std::string TextStream::give_out(size_t bytes) {
  // Where a stop string's beginning was held back, the cut may lie inside a character that it
  // shares with what follows.
  if (bytes < held_.size())
    bytes -= half_character_at_end(std::string_view(held_).substr(0, bytes));
  std::string out = utf8::replace_invalid(std::string_view(held_).substr(0, bytes));
  held_.erase(0, bytes);
  text_ += out;
  return out;
}

std::string TextStream::bytes_of(int64_t id) {
  const auto piece = static_cast<int32_t>(id);
  // A row of the model's table that the tokenizer has no token for is no text.
  if (id < 0 || id >= tokenizer_.vocab_size() || tokenizer_.is_special(piece)) return {};
  std::string bytes = tokenizer_.bytes_of(piece);
  if (std::exchange(at_start_, false) && bytes.starts_with(' ') &&
      tokenizer_.decode(std::vector<int32_t>{piece}) == bytes.substr(1)) {
    bytes.erase(0, 1);
  }
  return bytes;
}

}  // namespace zoo
