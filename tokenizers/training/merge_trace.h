// The first merges of a training, as one writes them on a blackboard:
//
//      l o w (5)   l o w e r (2)   n e w e s t (6)   w i d e s t (3)
//   1  e s -> es (9)
//      l o w (5)   l o w e r (2)   n e w es t (6)   w i d es t (3)
//   2  es t -> est (9)
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tokenizers/training/bpe_trainer.h"

namespace zoo {

/// Receives one line, without its line feed.
using TraceLine = std::function<void(const std::string&)>;

class MergeTrace {
 public:
  /// Traces the first `merges` merges of `trainer`, starting with its words. Words that start as a
  /// single piece are not shown; if more than 12 others remain, none are.
  MergeTrace(const BpeTrainer& trainer, int64_t merges, TraceLine line);
  /// Call after each merge. Ignores merges after the first `merges`.
  void add(const BpeMerge& merge);
  /// Whether all of them have been traced.
  bool done() const { return traced_ == merges_; }

 private:
  void print_words() const;
  const BpeTrainer& trainer_;
  int64_t merges_, traced_ = 0;
  TraceLine line_;
  std::vector<size_t> words_;  // those shown, sorted by their text
};

}  // namespace zoo
