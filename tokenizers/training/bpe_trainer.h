// Byte-pair encoding: repeatedly merge the most frequent pair of neighbours (Gage 1994; Sennrich et
// al. 2016, arXiv:1508.07909, algorithm 1). WordPiece's vocabulary is trained in the same way, as
// in the `tokenizers` package; Schuster and Nakajima 2012 choose pairs by likelihood.
//
// The merges are those of the package (BpeTrainer 0.23.3), in the same order:
// - The pair with the highest count comes first. Ties go to the pair with the smaller left id, then
//   with the smaller right id. New pieces get increasing ids, so among ties the pair of the oldest
//   pieces wins, and in the alphabet the order of the code points decides.
// - A pair's count is the number of its occurrences in each word, times the word's count. "aaa"
//   contains (a, a) twice; merging goes from left to right: (aa, a).
// - Training ends at the wanted number of pieces, or when the best pair's count is 0 or below
//   min_frequency.
// - A merge can make a piece that already exists, such as a special token's name. It then adds no
//   id, and words get the existing one. If words already contain that piece ("a</w>" can be spelled
//   out in a text), pairs with it can appear that are queued or were merged before. They are queued
//   again, for the words in which they appeared, with the count of all words. If a pair is merged
//   twice, the later merge counts.
// Counts are updated incrementally: only the words that contain a merged pair are scanned, so a
// merge costs time in proportion to their length. The queue is lazy: its counts can be out of date
// and are corrected when they reach the front.
// Differs: counts have 64 bits, the package's 32.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "tokenizers/training/arena.h"
#include "tokenizers/training/bpe_alphabet.h"
#include "tokenizers/training/pair_map.h"

namespace zoo {

struct BpeMerge {
  uint32_t left = 0, right = 0, made = 0;  ///< ids
  uint64_t count = 0;
};

/// The merges as a tokenizer ranks them: if a pair was merged twice, only the later merge.
std::vector<BpeMerge> ranked(const std::vector<BpeMerge>& merges);

class BpeTrainer {
 public:
  struct Options {
    size_t vocab_size = 30000;   ///< special tokens and alphabet included
    uint64_t min_frequency = 2;  ///< of a pair to be merged; 0 means 1
    std::string prefix = {};     ///< removed from a right piece: "lo" and "##w" make "low"
  };
  BpeTrainer(BpeStart start, Options options);

  /// Makes one merge; nullopt at the end. The result does not depend on the order of the words.
  std::optional<BpeMerge> next();

  /// By id, including the alphabet.
  const std::vector<std::string>& pieces() const { return pieces_; }
  size_t words() const { return words_.size(); }
  /// The current ids of word `i`, and its count in the text.
  std::vector<uint32_t> word(size_t i) const;
  uint64_t word_count(size_t i) const { return words_[i].count; }

 private:
  /// A pair to be merged in some words: those in which it appeared in one step.
  struct Candidate {
    uint64_t count, pair;
    const uint32_t* words;
    uint32_t size, age;
  };
  struct Later {  // sooner: higher count, then smaller pair, then lower age
    bool operator()(const Candidate& a, const Candidate& b) const;
  };
  /// A pair that a merge creates, and the words in which it does.
  struct NewPair {
    uint64_t pair;
    uint32_t words = 0, last_word = 0;
    uint32_t* list = nullptr;
  };
  /// What is next to a merge's occurrences, on one side.
  struct Neighbours {
    static constexpr uint32_t kNotSeen = ~uint32_t{0};
    struct Neighbour {
      uint64_t count = 0;
      uint32_t new_pair = kNotSeen;  // index in new_pairs_
    };
    std::vector<Neighbour> by_id;
    std::vector<uint32_t> seen;
  };

  void count_pairs();
  uint32_t make_piece(uint64_t pair);
  void merge_word(uint32_t word, const BpeMerge& merge);
  void meet(Neighbours& side, uint32_t neighbour, uint32_t word, uint64_t pair);
  void update_counts(const BpeMerge& merge);
  void queue_new_pairs();
  void push(Candidate candidate);

  Options options_;
  std::vector<std::string> pieces_;
  std::unordered_map<std::string, uint32_t> ids_;  // of pieces
  std::vector<uint32_t> symbols_;                  // of all words; a word shrinks in place
  std::vector<BpeStart::Word> words_;
  PairMap<uint64_t> counts_;
  std::vector<Candidate> queue_;  // a heap
  uint32_t age_ = 0;
  Arena<uint32_t> lists_;

  // For the current merge:
  Neighbours before_, after_;
  std::vector<NewPair> new_pairs_;
  std::vector<std::pair<uint32_t, uint32_t>> places_;  // (new pair, word that contains it)
};

}  // namespace zoo
