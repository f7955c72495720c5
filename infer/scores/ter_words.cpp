// The words of TER: Tercom's normaliser, as sacrebleu 2.6.0 has it.
#include <algorithm>

#include "infer/scores/punctuation.h"
#include "infer/scores/score_text.h"
#include "infer/scores/ter.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

bool is_asian_punctuation(char32_t c) {
  constexpr std::u32string_view single =
      U"\u3001\u3002\u30FB"                                       // 、 。 ・
      U"\uFF0E\uFF0C\uFF1F\uFF1A\uFF1B\uFF01\uFF02\uFF08\uFF09";  // full-width . , ? : ; ! " ( )
  return single.find(c) != std::u32string_view::npos || (c >= 0x3008 && c <= 0x3011) ||
         (c >= 0x3014 && c <= 0x301F) || (c >= 0xFF61 && c <= 0xFF65);
}

/// Characters that are words of their own. Kana outside these blocks are not: the rules for them
/// ask for a line's very beginning, where normalising has put a space. "To U+3F22" is the
/// reference's; U+32FF, the end of the enclosed letters, must have been meant.
bool is_asian_word(char32_t c) {
  constexpr std::pair<char32_t, char32_t> blocks[] = {
      {0x4E00, 0x9FFF}, {0x3400, 0x4DBF}, {0x31C0, 0x31EF}, {0x2E80, 0x2EFF},
      {0x3300, 0x33FF}, {0xF900, 0xFAFF}, {0xFE30, 0xFE4F}, {0x3200, 0x3F22}};
  return std::ranges::any_of(
      blocks, [c](const auto& block) { return c >= block.first && c <= block.second; });
}

bool is_western_punctuation(char32_t c) {
  return std::u32string_view(U".,?:;!\"()").find(c) != std::u32string_view::npos;
}

std::u32string normalize(const std::u32string& line, bool asian) {
  std::string text = utf8::replace_all(to_utf8(line), "\n-", "");
  text = without_entities(utf8::replace_all(text, "\n", " "));
  std::u32string parted = part_signs(U" " + to_code_points(text) + U" ");
  parted = to_code_points(utf8::replace_all(to_utf8(parted), "'s ", " 's "));
  parted = part_stops(parted);
  if (!asian) return parted;
  return part_off(part_off(parted, is_asian_word), is_asian_punctuation);
}

}  // namespace

std::vector<std::u32string> ter_words(std::string_view text, const TerOptions& options) {
  std::u32string line(without_trailing_space(to_code_points(text)));
  if (!options.case_sensitive) line = lower_case(line);
  if (options.normalized) line = normalize(line, options.asian_support);
  if (options.no_punctuation) {
    std::erase_if(line, is_western_punctuation);
    if (options.asian_support) std::erase_if(line, is_asian_punctuation);
  }
  return split_words(line);
}

}  // namespace zoo
