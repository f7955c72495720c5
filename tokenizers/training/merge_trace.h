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

/// Takes one line, without its line feed.
using TraceLine = std::function<void(const std::string&)>;

class MergeTrace {
 public:
  /// Traces the first `merges` of `trainer`, and begins with its words. Words that consist of one
  /// piece from the beginning are not shown; where more than 12 are left, none are.
  MergeTrace(const BpeTrainer& trainer, int64_t merges, TraceLine line);
  /// After a merge. Does nothing for those after the first.
  void add(const BpeMerge& merge);
  /// Whether all asked for are traced.
  bool done() const { return traced_ == merges_; }

 private:
  void print_words() const;
  const BpeTrainer& trainer_;
  int64_t merges_, traced_ = 0;
  TraceLine line_;
  std::vector<size_t> words_;  // those shown, by their text
};

}  // namespace zoo
