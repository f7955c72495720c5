// The rules by which BLEU parts a sentence into words. Scores of different rules cannot be
// compared, which is why a score names its rule (Post 2018, arXiv:1804.08771, §2).
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "app/named_enum.h"

namespace zoo {

enum class BleuTokenizer {
  k13a,   ///< NIST's mteval-v13a, the rule of WMT: parts ASCII punctuation off
  kIntl,  ///< NIST's mteval-v14: parts all of Unicode's punctuation and symbols off
  kChar,  ///< every character is a word
  kNone,  ///< at white space only: for text that is tokenized already
};

template <>
struct EnumNames<BleuTokenizer> {
  static constexpr std::string_view what = "BLEU tokenizer";
  static constexpr std::pair<BleuTokenizer, std::string_view> values[] = {
      {BleuTokenizer::k13a, "13a"},
      {BleuTokenizer::kIntl, "intl"},
      {BleuTokenizer::kChar, "char"},
      {BleuTokenizer::kNone, "none"}};
};

std::vector<std::u32string> bleu_words(std::string_view text, BleuTokenizer tokenizer,
                                       bool lowercase = false);

}  // namespace zoo
