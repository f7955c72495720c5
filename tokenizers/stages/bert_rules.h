// BERT's rules for characters (Devlin et al. 2019, arXiv:1810.04805; BasicTokenizer of its code),
// as the `tokenizers` package has them, and its first two stages made of them.
#pragma once
#include <memory>

#include "tokenizers/stages/normalizer.h"
#include "tokenizers/stages/pre_tokenizer.h"

namespace zoo {

namespace bert {

/// Every White_Space character of Unicode, line feeds and tabs included.
bool is_whitespace(char32_t code);
/// What clean_text removes but for U+FFFD: categories Cc, Cf, Co and Cn, without \t, \n and \r.
bool is_control(char32_t code);
/// ASCII that is neither letter, digit, space nor control, such as '$' and '`'; else category P.
bool is_punctuation(char32_t code);
/// CJK ideographs: not Kana, not Hangul.
bool is_chinese(char32_t code);
/// What strip_accents removes after decomposition: category Mn.
bool is_accent(char32_t code);

}  // namespace bert

struct BertNormalizerOptions {
  bool clean_text = true;            ///< no controls, every whitespace as ' '
  bool handle_chinese_chars = true;  ///< each becomes a word by itself
  bool strip_accents = true;         ///< leaves the text decomposed (NFD)
  bool lowercase = true;
};
std::unique_ptr<Normalizer> make_bert_normalizer(BertNormalizerOptions options);

/// Words end at whitespace, which is left out; each punctuation character is a word by itself.
std::unique_ptr<PreTokenizer> make_bert_pre_tokenizer();

}  // namespace zoo
