// Byte-pair encoding: merge the most frequent pair of neighbours, again and again (Gage 1994;
// Sennrich et al. 2016, arXiv:1508.07909, algorithm 1). WordPiece's vocabulary is made in the same
// way, as in the `tokenizers` package; Schuster and Nakajima 2012 choose pairs by likelihood.
//
// The merges are those of the package (BpeTrainer 0.23.3), in the same order:
// - The pair with the highest count comes first; of equally frequent ones, the one whose left id is
//   smaller, then the one whose right id is. Ids are given out in the order of making, so that
//   among ties the pair of the oldest pieces wins, and for the alphabet the order of the code
//   points decides.
// - A pair counts once for each place where it stands, times the word's count; "aaa" holds (a, a)
//   twice, and merging goes from left to right: (aa, a).
// - Training ends with the wanted number of pieces, or where the best pair's count is 0 or below
//   min_frequency.
// - A merge may make a piece that exists, such as a special token's name: no id is added, and words
//   get the old one. Should that piece stand in words already ("a</w>" may be spelled out in a
//   text), pairs with it can arise that are in the queue or were merged before: they are queued
//   once more, for the words where they arose, with the count of all; of two merges of one pair the
//   later place in the list is the one that counts.
// Counting is incremental: only the words that hold a merged pair are looked at, whole, so that a
// merge costs as much as they are long. The queue is lazy: counts in it are as they were when put
// there, and corrected when they come up.
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

/// The merges as a tokenizer ranks them: of a pair that was merged twice only the later place.
std::vector<BpeMerge> ranked(const std::vector<BpeMerge>& merges);

class BpeTrainer {
 public:
  struct Options {
    size_t vocab_size = 30000;   ///< special tokens and alphabet included
    uint64_t min_frequency = 2;  ///< of a pair that is merged; 0 is as good as 1
    std::string prefix = {};     ///< left out of a right piece: "lo" and "##w" make "low"
  };
  BpeTrainer(BpeStart start, Options options);

  /// Makes one merge; nothing at the end. The result does not depend on the order of the words.
  std::optional<BpeMerge> next();

  /// By id, those of the alphabet included.
  const std::vector<std::string>& pieces() const { return pieces_; }
  size_t words() const { return words_.size(); }
  /// The ids that word `i` consists of at this time, and how often the text has it.
  std::vector<uint32_t> word(size_t i) const;
  uint64_t word_count(size_t i) const { return words_[i].count; }

 private:
  /// A pair to be merged in some words: those where it arose in one step.
  struct Candidate {
    uint64_t count, pair;
    const uint32_t* words;
    uint32_t size, age;
  };
  struct Later {  // of two candidates, the one with more, of the smaller pair, the older is sooner
    bool operator()(const Candidate& a, const Candidate& b) const;
  };
  /// A pair that arises, with the words where it does.
  struct NewPair {
    uint64_t pair;
    uint32_t words = 0, last_word = 0;
    uint32_t* list = nullptr;
  };
  /// What stands beside the places of a merge, on one side.
  struct Neighbours {
    static constexpr uint32_t kNotSeen = ~uint32_t{0};
    struct Neighbour {
      uint64_t count = 0;
      uint32_t new_pair = kNotSeen;  // place in new_pairs_
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
  std::vector<uint32_t> symbols_;                  // of all words; a word shrinks in its place
  std::vector<BpeStart::Word> words_;
  PairMap<uint64_t> counts_;
  std::vector<Candidate> queue_;  // a heap
  uint32_t age_ = 0;
  Arena<uint32_t> lists_;

  // Of one merge:
  Neighbours before_, after_;
  std::vector<NewPair> new_pairs_;
  std::vector<std::pair<uint32_t, uint32_t>> places_;  // which new pair arose in which word
};

}  // namespace zoo
