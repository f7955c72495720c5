// Counts of word and character n-grams, for BLEU and chrF.
#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace zoo {

using NgramCounts = std::unordered_map<std::u32string, int64_t>;

/// Word n-grams, with spaces between the words.
NgramCounts count_word_ngrams(const std::vector<std::u32string>& words, size_t n);

/// Character n-grams.
NgramCounts count_character_ngrams(const std::u32string& text, size_t n);

/// The number of n-grams, repeats included.
int64_t total(const NgramCounts& counts);

/// The number of n-grams of `found` that occur in `wanted`, each at most as often as there: the
/// "clipped" counts of Papineni et al. 2002, §2.1.1.
int64_t matches(const NgramCounts& found, const NgramCounts& wanted);

}  // namespace zoo
