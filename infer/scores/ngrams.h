// n-grams of words or characters, counted: what BLEU and chrF compare.
#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace zoo {

using NgramCounts = std::unordered_map<std::u32string, int64_t>;

/// The runs of n words; a run is written with spaces between its words.
NgramCounts count_word_ngrams(const std::vector<std::u32string>& words, size_t n);

/// The runs of n characters.
NgramCounts count_character_ngrams(const std::u32string& text, size_t n);

/// How many n-grams there are, repeats included.
int64_t total(const NgramCounts& counts);

/// How many n-grams of `found` are in `wanted`, each at most as often as it stands there: the
/// "clipped" counts of Papineni et al. 2002, §2.1.1.
int64_t matches(const NgramCounts& found, const NgramCounts& wanted);

}  // namespace zoo
