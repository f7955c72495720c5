// Multilingual models write the code of a language beside the source and before the target: mBART
// (Liu et al. 2020, arXiv:2001.08210, §2.2) and its successors.
#pragma once
#include <string>

#include "infer/decode/options.h"
#include "infer/translation/pair_format.h"
#include "tokenizers/tokenizer.h"

namespace zoo {

struct Languages {
  std::string from = {}, to = {};  ///< codes such as de_DE; empty: as the folder says
};

/// Puts the codes where the source's template has one: the source's there; the target's as its
/// first token where the template has the code before the text (mBART-50, NLLB), else as what a
/// target starts from (mBART). Throws std::runtime_error where the template has no code, and for a
/// code that the vocabulary lacks, naming those that it has.
void set_languages(const Languages& languages, const Tokenizer& source, const Tokenizer& target,
                   PairFormat& format, DecodeOptions& options);

}  // namespace zoo
