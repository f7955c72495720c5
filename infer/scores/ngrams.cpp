#include "infer/scores/ngrams.h"

#include <algorithm>

namespace zoo {

NgramCounts count_word_ngrams(const std::vector<std::u32string>& words, size_t n) {
  NgramCounts counts;
  for (size_t begin = 0; begin + n <= words.size(); ++begin) {
    std::u32string ngram = words[begin];
    for (size_t i = 1; i < n; ++i) (ngram += U' ') += words[begin + i];
    ++counts[ngram];
  }
  return counts;
}

NgramCounts count_character_ngrams(const std::u32string& text, size_t n) {
  NgramCounts counts;
  for (size_t begin = 0; begin + n <= text.size(); ++begin) ++counts[text.substr(begin, n)];
  return counts;
}

int64_t total(const NgramCounts& counts) {
  int64_t sum = 0;
  for (const auto& [ngram, count] : counts) sum += count;
  return sum;
}

int64_t matches(const NgramCounts& found, const NgramCounts& wanted) {
  int64_t sum = 0;
  for (const auto& [ngram, count] : found) {
    const auto same = wanted.find(ngram);
    if (same != wanted.end()) sum += std::min(count, same->second);
  }
  return sum;
}

}  // namespace zoo
