#include "infer/scores/score_text.h"

#include "tokenizers/text/normalization.h"
#include "tokenizers/text/unicode_classes.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

constexpr char32_t kCapitalSigma = 0x3A3, kSigma = 0x3C3, kFinalSigma = 0x3C2;
constexpr char32_t kCapitalDottedI = 0x130;

bool has(char32_t code, unicode::Classes classes) {
  return (unicode::classes_of(code) & classes) != 0;
}

/// Unicode 3.13, definition D136: marks, modifiers, and the signs that stand inside words.
bool is_case_ignorable(char32_t code) {
  constexpr std::u32string_view inside_words =
      U"'.:^`\u00A8\u00B7\u0387\u055F\u05F4\u2018\u2019\u2024\u2027\uFE13\uFE52\uFE55\uFF07\uFF0E"
      U"\uFF1A";
  using namespace unicode;
  return inside_words.find(code) != std::u32string_view::npos ||
         has(code, kMn | kMe | kCf | kLm | kSk);
}

/// Definition D135.
bool is_cased(char32_t code) { return has(code, unicode::kLu | unicode::kLl | unicode::kLt); }

/// Unicode 3.13, Final_Sigma: a letter before it and none after it.
bool ends_a_word(std::u32string_view text, size_t place) {
  size_t before = place, after = place + 1;
  while (before > 0 && is_case_ignorable(text[before - 1])) --before;
  while (after < text.size() && is_case_ignorable(text[after])) ++after;
  return before > 0 && is_cased(text[before - 1]) &&
         (after == text.size() || !is_cased(text[after]));
}

}  // namespace

bool is_white_space(char32_t code) {
  if (code < 0x80) return code == ' ' || (code >= 9 && code <= 13) || (code >= 28 && code <= 31);
  return code == 0x85 || has(code, unicode::kZs | unicode::kZl | unicode::kZp);
}

std::u32string to_code_points(std::string_view text) {
  std::u32string codes;
  codes.reserve(text.size());
  while (!text.empty()) {
    const auto character = utf8::first(text);
    codes += character.valid ? character.code : U'\uFFFD';
    text.remove_prefix(character.size);
  }
  return codes;
}

std::string to_utf8(std::u32string_view text) {
  std::string bytes;
  for (const char32_t code : text) bytes += utf8::encode(code);
  return bytes;
}

std::vector<std::u32string> split_words(std::u32string_view text) {
  std::vector<std::u32string> words;
  bool inside = false;
  for (const char32_t code : text) {
    const bool white = is_white_space(code);
    if (!white && !inside) words.emplace_back();
    if (!white) words.back() += code;
    inside = !white;
  }
  return words;
}

std::u32string_view without_trailing_space(std::u32string_view text) {
  while (!text.empty() && is_white_space(text.back())) text.remove_suffix(1);
  return text;
}

std::u32string_view without_outer_space(std::u32string_view text) {
  text = without_trailing_space(text);
  while (!text.empty() && is_white_space(text.front())) text.remove_prefix(1);
  return text;
}

std::u32string lower_case(std::u32string_view text) {
  std::u32string lower;
  lower.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == kCapitalSigma) {
      lower += ends_a_word(text, i) ? kFinalSigma : kSigma;
    } else if (text[i] == kCapitalDottedI) {
      lower += U"i\u0307";
    } else {
      AlignedText character(utf8::encode(text[i]), 0, /*tracked=*/false);
      lowercase(character);
      lower += to_code_points(character.text());
    }
  }
  return lower;
}

}  // namespace zoo
