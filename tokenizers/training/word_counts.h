// How often each word occurs in a text: all that byte-level BPE and WordPiece learn from.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "tokenizers/training/arena.h"
#include "tokenizers/training/training_text.h"

namespace zoo {

class Normalizer;
class PreTokenizer;

/// Different words with their counts, in the order of their first addition. Takes about 35 bytes
/// per word plus its text.
class WordCounts {
 public:
  WordCounts() = default;
  WordCounts(WordCounts&&) = default;
  WordCounts& operator=(WordCounts&&) = default;

  /// Throws std::runtime_error for more than 2^32 - 2 different words.
  void add(std::string_view word, uint64_t count = 1);
  void add(const WordCounts& other);

  size_t size() const { return words_.size(); }
  std::string_view word(size_t i) const { return {words_[i].text, words_[i].size}; }
  uint64_t count(size_t i) const { return words_[i].count; }

 private:
  struct Word {
    const char* text;
    uint64_t count;
    uint32_t size;
    uint32_t hash;
  };
  void grow();
  std::vector<Word> words_;
  std::vector<uint32_t> table_;  // by hash: 1 + index in words_, or 0; at most half full
  Arena<char> texts_;
};

/// Called after each block of text with the number of bytes read so far, one call at a time, from
/// any thread. An exception ends the work.
using BytesRead = std::function<void(uint64_t)>;

/// Counts the words of `text`, which must consist of whole lines: the reference trains line by
/// line, including the line feed, and rules do not look beyond a line. Either stage may be null:
/// then the text is not changed, or each line is one word. Counts do not depend on `threads`; the
/// order of the words does. Memory: the different words, plus a few MB and one block per thread.
WordCounts count_words(TrainingText& text, const Normalizer* normalizer,
                       const PreTokenizer* pre_tokenizer, int threads,
                       const BytesRead& told = nullptr);

}  // namespace zoo
