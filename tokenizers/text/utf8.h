// UTF-8, read and checked byte by byte: what every tokenizer needs to know about text.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace zoo::utf8 {

/// One step through a text. An invalid byte is a step of size 1 with `valid` false.
struct Character {
  char32_t code = 0;
  size_t size = 0;
  bool valid = false;
};

/// The character that `text` (not empty) begins with. Overlong forms, surrogates and values past
/// U+10FFFF are invalid.
Character first(std::string_view text);

/// Bytes of `text` before the first one that is not ASCII.
size_t ascii_prefix(std::string_view text);

/// The character that `text` (not empty) ends with; an invalid byte likewise.
Character last(std::string_view text);

/// The bytes of a code point.
std::string encode(char32_t code);

/// Position of the first byte that is not valid UTF-8; std::string_view::npos where there is none.
size_t find_invalid(std::string_view text);

/// Every invalid byte becomes U+FFFD, the replacement character.
std::string replace_invalid(std::string_view text);

/// Every ill-formed stretch becomes one U+FFFD, stretches as Unicode's "maximal subparts" count
/// them: the first bytes of a character that breaks off are one, a byte that begins nothing is one.
/// Python's errors="replace" and Rust's from_utf8_lossy do the same.
std::string replace_ill_formed(std::string_view text);

/// `text` with every `from` (not empty) written as `to`, from left to right.
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

/// For messages: "'é' (U+00E9)", and "U+000A" alone where the character would not print.
std::string describe(char32_t code);

}  // namespace zoo::utf8
