// Words as the tokens that a text may write them with: for words to avoid and words to force.
#pragma once
#include <string>
#include <vector>

#include "infer/decode/options.h"
#include "tokenizers/tokenizer.h"

namespace zoo {

/// A word as it stands at the beginning of a text and behind a space.
std::vector<std::vector<int64_t>> spellings(const Tokenizer& tokenizer, const std::string& word);

/// One for each text; "a|b" is a word that may be written a or b. Throws std::runtime_error for a
/// word that the tokenizer has no tokens for.
std::vector<ForcedWord> forced_words(const Tokenizer& tokenizer,
                                     const std::vector<std::string>& texts);

/// Throws UsageError for words that cannot be forced: empty ones, or without `num_beams` to search.
void check_forced_words(const std::vector<std::string>& texts, int64_t num_beams);

}  // namespace zoo
