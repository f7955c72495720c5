#include "infer/scores/bleu_tokenizer.h"

#include "infer/scores/score_text.h"
#include "tokenizers/text/unicode_classes.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

using Test = bool (*)(char32_t);

bool is_digit(char32_t c) { return c >= U'0' && c <= U'9'; }
bool is_no_digit(char32_t c) { return !is_digit(c); }
bool is_stop_or_comma(char32_t c) { return c == U'.' || c == U','; }
bool is_hyphen(char32_t c) { return c == U'-'; }
bool is_number(char32_t c) { return (unicode::classes_of(c) & unicode::kNumber) != 0; }
bool is_no_number(char32_t c) { return !is_number(c); }
bool is_punctuation(char32_t c) {
  using namespace unicode;
  return (classes_of(c) & (kPc | kPd | kPs | kPe | kPi | kPf | kPo)) != 0;
}
bool is_symbol(char32_t c) {
  using namespace unicode;
  return (classes_of(c) & (kSm | kSc | kSk | kSo)) != 0;
}

/// ASCII punctuation but the apostrophe, comma, hyphen and full stop.
bool is_always_apart(char32_t c) {
  constexpr std::u32string_view signs = U"!\"#$%&()*+/:;<=>?@[\\]^_`{|}~";
  return signs.find(c) != std::u32string_view::npos;
}

/// Puts spaces around every character that passes.
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

/// Where a character that passes `first` stands before one that passes `second`, parts them with a
/// space, and puts another before or behind both. A character takes part in one pair only, the
/// leftmost: of "a.,b" the full stop belongs to "a".
enum class Outside { kBefore, kBehind };
std::u32string part_pairs(std::u32string_view text, Test first, Test second, Outside outside) {
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

std::string without_markup(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> rules[] = {
      {"<skipped>", ""}, {"-\n", ""},   {"\n", " "},  {"&quot;", "\""},
      {"&amp;", "&"},    {"&lt;", "<"}, {"&gt;", ">"}};
  for (const auto& [from, to] : rules) text = utf8::replace_all(text, from, to);
  return text;
}

std::u32string apart_13a(std::u32string_view line) {
  std::u32string text = part_off(U" " + std::u32string(line) + U" ", is_always_apart);
  // Inside a number a full stop or a comma stays: "1,000.5".
  text = part_pairs(text, is_no_digit, is_stop_or_comma, Outside::kBehind);
  text = part_pairs(text, is_stop_or_comma, is_no_digit, Outside::kBefore);
  return part_pairs(text, is_digit, is_hyphen, Outside::kBehind);
}

std::u32string apart_intl(std::u32string_view line) {
  std::u32string text = part_pairs(line, is_no_number, is_punctuation, Outside::kBehind);
  text = part_pairs(text, is_punctuation, is_no_number, Outside::kBefore);
  return part_off(text, is_symbol);
}

}  // namespace

std::vector<std::u32string> bleu_words(std::string_view text, BleuTokenizer tokenizer,
                                       bool lowercase) {
  std::u32string line = to_code_points(text);
  if (lowercase) line = lower_case(line);
  line = without_trailing_space(line);
  switch (tokenizer) {
    case BleuTokenizer::k13a:
      return split_words(apart_13a(to_code_points(without_markup(to_utf8(line)))));
    case BleuTokenizer::kIntl:
      return split_words(apart_intl(line));
    case BleuTokenizer::kChar:
      return split_words(part_off(line, [](char32_t) { return true; }));
    case BleuTokenizer::kNone:
      break;
  }
  return split_words(line);
}

}  // namespace zoo
