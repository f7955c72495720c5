// BERT's rules for characters (Devlin et al. 2019, arXiv:1810.04805; BasicTokenizer of its code),
// as in the `tokenizers` package, and the two stages built from them.
#pragma once
#include <memory>

#include "tokenizers/stages/normalizer.h"
#include "tokenizers/stages/pre_tokenizer.h"

namespace zoo {

namespace bert {

/// Every White_Space character of Unicode, line feeds and tabs included.
bool is_whitespace(char32_t code);
/// What clean_text removes besides U+FFFD: categories Cc, Cf, Co and Cn, except \t, \n and \r.
bool is_control(char32_t code);
/// ASCII characters that are not letters, digits, spaces or controls, such as '$' and '`';
/// otherwise category P.
bool is_punctuation(char32_t code);
/// CJK ideographs, without Kana and Hangul.
bool is_chinese(char32_t code);
/// What strip_accents removes after decomposition: category Mn.
bool is_accent(char32_t code);

}  // namespace bert

struct BertNormalizerOptions {
  bool clean_text = true;            ///< removes control characters; makes all whitespace ' '
  bool handle_chinese_chars = true;  ///< each becomes a separate word
  bool strip_accents = true;         ///< leaves the text decomposed (NFD)
  bool lowercase = true;
};
std::unique_ptr<Normalizer> make_bert_normalizer(BertNormalizerOptions options);

/// Splits at whitespace, which is dropped; each punctuation character is a separate word.
std::unique_ptr<PreTokenizer> make_bert_pre_tokenizer();

}  // namespace zoo
