// Separating punctuation from words by the rules of NIST's mteval-v13a, for BLEU, TER and their
// Chinese variants. All insert spaces; splitting at white space comes last.
#pragma once
#include <string>
#include <string_view>

namespace zoo {

bool is_ascii_digit(char32_t code);

/// Inserts spaces around every character that satisfies the predicate.
template <class Test>
std::u32string part_off(std::u32string_view text, Test test) {
  std::u32string parted;
  for (const char32_t c : text) {
    if (test(c)) {
      ((parted += U' ') += c) += U' ';
    } else {
      parted += c;
    }
  }
  return parted;
}

/// Where a character that satisfies `first` is followed by one that satisfies `second`, inserts a
/// space between them, and another before or after both. A character belongs to one pair only, the
/// leftmost: in "a.,b" the full stop belongs to "a".
enum class Outside { kBefore, kBehind };
template <class First, class Second>
std::u32string part_pairs(std::u32string_view text, First first, Second second, Outside outside) {
  std::u32string parted;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i + 1 < text.size() && first(text[i]) && second(text[i + 1])) {
      if (outside == Outside::kBefore) parted += U' ';
      ((parted += text[i]) += U' ') += text[i + 1];
      if (outside == Outside::kBehind) parted += U' ';
      ++i;
    } else {
      parted += text[i];
    }
  }
  return parted;
}

/// Separates all ASCII punctuation but the apostrophe, comma, hyphen and full stop.
std::u32string part_signs(std::u32string_view text);

/// Separates full stops and commas, except inside a number ("1,000.5"), and hyphens after a digit.
std::u32string part_stops(std::u32string_view text);

/// Replaces "&quot;", "&amp;", "&lt;" and "&gt;", in this order, by their characters.
std::string without_entities(std::string text);

}  // namespace zoo
