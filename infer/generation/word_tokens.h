// Words as tokens, for words to avoid and words to force.
#pragma once
#include <string>
#include <vector>

#include "infer/decode/options.h"
#include "tokenizers/tokenizer.h"

namespace zoo {

/// The tokens of a word at the beginning of a text and after a space.
std::vector<std::vector<int64_t>> spellings(const Tokenizer& tokenizer, const std::string& word);

/// One per text; "a|b" is a word with the spellings a and b. Throws std::runtime_error for a word
/// that the tokenizer cannot encode.
std::vector<ForcedWord> forced_words(const Tokenizer& tokenizer,
                                     const std::vector<std::string>& texts);

/// Throws UsageError for words that cannot be forced: empty words, or `num_beams` without beam
/// search.
void check_forced_words(const std::vector<std::string>& texts, int64_t num_beams);

}  // namespace zoo
