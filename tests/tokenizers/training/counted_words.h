// Words with their counts, as BPE training starts from them.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tokenizers/training/bpe_alphabet.h"

namespace zoo::testing {

using CountedWords = std::vector<std::pair<std::string, uint64_t>>;

inline BpeStart start_of(const CountedWords& words, const BpeAlphabet& alphabet = {}) {
  WordCounts counts;
  for (const auto& [word, count] : words) counts.add(word, count);
  return start_bpe(counts, alphabet);
}

}  // namespace zoo::testing
