// Reading and checking UTF-8.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace zoo::utf8 {

/// A step through a text. An invalid byte is a step of size 1 with `valid` false.
struct Character {
  char32_t code = 0;
  size_t size = 0;
  bool valid = false;
};

/// The first character of `text`, which must not be empty. Overlong forms, surrogates and values
/// above U+10FFFF are invalid.
Character first(std::string_view text);

/// Number of bytes before the first non-ASCII byte.
size_t ascii_prefix(std::string_view text);

/// The last character of `text`, which must not be empty; invalid bytes as above.
Character last(std::string_view text);

/// The UTF-8 bytes of a code point.
std::string encode(char32_t code);

/// Position of the first byte that is not valid UTF-8; std::string_view::npos if there is none.
size_t find_invalid(std::string_view text);

/// Replaces every invalid byte by U+FFFD, the replacement character.
std::string replace_invalid(std::string_view text);

/// Replaces every ill-formed sequence by one U+FFFD, counted as Unicode's "maximal subparts": an
/// incomplete character is one sequence, and so is a byte that cannot begin a character. Python's
/// errors="replace" and Rust's from_utf8_lossy do the same.
std::string replace_ill_formed(std::string_view text);

/// Replaces every `from` (not empty) by `to`, from left to right.
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

/// For messages: "'é' (U+00E9)", or just "U+000A" for a character that does not print.
std::string describe(char32_t code);

}  // namespace zoo::utf8
