// The rules by which BLEU splits a sentence into words. Scores with different rules are not
// comparable, and so a score names its rule (Post 2018, arXiv:1804.08771, §2).
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/named_enum.h"

namespace zoo {

enum class BleuTokenizer {
  k13a,      ///< NIST's mteval-v13a, the rule of WMT: separates ASCII punctuation
  kIntl,     ///< NIST's mteval-v14: separates all Unicode punctuation and symbols
  kChar,     ///< every character is a word
  kZh,       ///< every Chinese character and full-width sign is a word, the rest as 13a
  kJaMecab,  ///< Japanese words, found by MeCab with the IPA dictionary
  kNone,     ///< at white space only: for text that is tokenized already
  kKoMecab,  ///< this one and all below are not available: they need Python or downloads
  kSpm,
  kFlores101,
  kFlores200,
  kSpBleu1K,
};

template <>
struct EnumNames<BleuTokenizer> {
  static constexpr std::string_view what = "BLEU tokenizer";
  static constexpr std::pair<BleuTokenizer, std::string_view> values[] = {
      {BleuTokenizer::k13a, "13a"},
      {BleuTokenizer::kIntl, "intl"},
      {BleuTokenizer::kChar, "char"},
      {BleuTokenizer::kZh, "zh"},
      {BleuTokenizer::kJaMecab, "ja-mecab"},
      {BleuTokenizer::kNone, "none"},
      {BleuTokenizer::kKoMecab, "ko-mecab"},
      {BleuTokenizer::kSpm, "spm"},
      {BleuTokenizer::kFlores101, "flores101"},
      {BleuTokenizer::kFlores200, "flores200"},
      {BleuTokenizer::kSpBleu1K, "spBLEU-1K"}};
};

/// Throws std::invalid_argument, with an alternative, if a tokenizer is not available.
void require_tokenizer(BleuTokenizer tokenizer);

std::vector<std::u32string> bleu_words(std::string_view text, BleuTokenizer tokenizer,
                                       bool lowercase = false);

/// The name in a score's signature: "13a", "ja-mecab-0.996-IPA".
std::string signature_of(BleuTokenizer tokenizer);

}  // namespace zoo
