// Words that a thread has split before. Natural text repeats its words, and a lookup costs a
// fraction of a split.
#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "tokenizers/algorithms/bpe_merges.h"
#include "tokenizers/algorithms/piece_map.h"

namespace zoo {

/// Two megabytes, shared by all models of a thread. Each word has two slots; a new word replaces
/// the older one there. Entries carry their model's number, which is never reused.
class WordCache {
 public:
  static constexpr size_t kLongestWord = 28, kMostIds = 6, kLastEnd = 255;

  struct Entry {
    uint32_t owner = 0;  // 0: empty
    uint8_t size = 0, count = 0;
    std::array<uint8_t, kMostIds> ends = {};
    std::array<int32_t, kMostIds> ids = {};
    std::array<char, kLongestWord> word = {};

    bool is(uint32_t model, std::string_view text) const {
      return owner == model && size == text.size() &&
             std::memcmp(word.data(), text.data(), text.size()) == 0;
    }
    void set(uint32_t model, std::string_view text, const Symbol* symbols, size_t symbol_count) {
      owner = model;
      size = static_cast<uint8_t>(text.size());
      count = static_cast<uint8_t>(symbol_count);
      std::memcpy(word.data(), text.data(), text.size());
      size_t end = 0;
      for (size_t i = 0; i < symbol_count; ++i) {
        end += symbols[i].length;
        ids[i] = symbols[i].id;
        ends[i] = static_cast<uint8_t>(end);
      }
    }
  };
  static_assert(sizeof(Entry) == 64, "one line of a processor's cache");

  /// Null if it is not cached.
  const Entry* find(uint32_t model, std::string_view word) const {
    const Entry* pair = &entries_[2 * (hash_text(word) % kPairs)];
    if (pair[0].is(model, word)) return &pair[0];
    return pair[1].is(model, word) ? &pair[1] : nullptr;
  }
  /// A slot for a word that is not cached.
  Entry& make_room(std::string_view word) {
    Entry* pair = &entries_[2 * (hash_text(word) % kPairs)];
    pair[1] = pair[0];
    return pair[0];
  }

  static WordCache& of_this_thread() {
    thread_local WordCache cache;
    return cache;
  }

 private:
  static constexpr size_t kPairs = 1 << 14;
  std::vector<Entry> entries_ = std::vector<Entry>(2 * kPairs);
};

}  // namespace zoo
