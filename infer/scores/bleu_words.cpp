#include "infer/scores/bleu_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "infer/scores/japanese_words.h"
#include "infer/scores/punctuation.h"
#include "infer/scores/score_text.h"
#include "tokenizers/text/unicode_classes.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

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

/// The blocks of Chinese text and what is set among it. The reference writes its blocks beyond
/// U+FFFF with four digits and one more character, and so they came to be U+2001 to U+2A6D and
/// U+2F81 to U+2FA1: curly quotes, dashes, arrows and mathematical signs are words, too, and rare
/// characters of the other planes are not. Published scores count on it.
bool is_chinese(char32_t c) {
  constexpr std::pair<char32_t, char32_t> blocks[] = {
      {0x2001, 0x2A6D}, {0x2E80, 0x2EFF}, {0x2F00, 0x2FDF}, {0x2FF0, 0x2FFF}, {0x3000, 0x303F},
      {0x3100, 0x312F}, {0x31A0, 0x31BF}, {0x31C0, 0x31EF}, {0x3200, 0x33FF}, {0x3400, 0x4DB5},
      {0x4E00, 0x9FBB}, {0xF900, 0xFA2D}, {0xFA30, 0xFA6A}, {0xFA70, 0xFAD9}, {0xFE10, 0xFE1F},
      {0xFE30, 0xFE4F}, {0xFF00, 0xFFEF}};
  return std::ranges::any_of(
      blocks, [c](const auto& block) { return c >= block.first && c <= block.second; });
}

std::u32string apart_13a(std::u32string_view line) {
  std::string text = to_utf8(line);
  constexpr std::pair<std::string_view, std::string_view> rules[] = {
      {"<skipped>", ""}, {"-\n", ""}, {"\n", " "}};
  for (const auto& [from, to] : rules) text = utf8::replace_all(text, from, to);
  return part_stops(part_signs(U" " + to_code_points(without_entities(text)) + U" "));
}

/// Without the spaces that 13a puts around the line: a full stop at its very end, behind a digit,
/// stays there.
std::u32string apart_zh(std::u32string_view line) {
  return part_stops(part_signs(part_off(without_outer_space(line), is_chinese)));
}

std::u32string apart_intl(std::u32string_view line) {
  std::u32string text = part_pairs(line, is_no_number, is_punctuation, Outside::kBehind);
  text = part_pairs(text, is_punctuation, is_no_number, Outside::kBefore);
  return part_off(text, is_symbol);
}

}  // namespace

void require_tokenizer(BleuTokenizer tokenizer) {
  switch (tokenizer) {
    case BleuTokenizer::kJaMecab:
      return require_japanese_words();
    case BleuTokenizer::kKoMecab:
      throw std::invalid_argument(
          "the BLEU tokenizer ko-mecab needs MeCab-ko and its dictionary, which no library for C++ "
          "brings: tokenize both sides with Python's mecab-ko and score with the tokenizer none");
    case BleuTokenizer::kSpm:
    case BleuTokenizer::kFlores101:
    case BleuTokenizer::kFlores200:
    case BleuTokenizer::kSpBleu1K:
      throw std::invalid_argument(
          fmt::format("the BLEU tokenizer {} needs a SentencePiece model that must be downloaded: "
                      "write both sides as pieces with spaces between them and score with the "
                      "tokenizer none",
                      name_of(tokenizer)));
    default:
      return;
  }
}

std::vector<std::u32string> bleu_words(std::string_view text, BleuTokenizer tokenizer,
                                       bool lowercase) {
  std::u32string line = to_code_points(text);
  if (lowercase) line = lower_case(line);
  line = without_trailing_space(line);
  switch (tokenizer) {
    case BleuTokenizer::k13a:
      return split_words(apart_13a(line));
    case BleuTokenizer::kIntl:
      return split_words(apart_intl(line));
    case BleuTokenizer::kChar:
      return split_words(part_off(line, [](char32_t) { return true; }));
    case BleuTokenizer::kZh:
      return split_words(apart_zh(line));
    case BleuTokenizer::kJaMecab:
      return japanese_words(without_outer_space(line));
    case BleuTokenizer::kNone:
      return split_words(line);
    default:
      require_tokenizer(tokenizer);
      return {};
  }
}

std::string signature_of(BleuTokenizer tokenizer) {
  if (tokenizer == BleuTokenizer::kJaMecab) return "ja-mecab-" + japanese_signature();
  return std::string(name_of(tokenizer));
}

}  // namespace zoo
