// The merges of byte pair encoding (Sennrich et al. 2016, arXiv:1508.07909): which pairs of pieces
// become which piece, and in what order.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace zoo {

/// A piece of a word during merging.
struct Symbol {
  int32_t id = 0;
  uint32_t length = 0;  ///< in bytes of the word
};

class BpeMerges {
 public:
  /// `merges`: how many will be added.
  explicit BpeMerges(size_t merges);

  /// Adds a merge with the next rank. A pair that is added again gets the new rank.
  void add(int32_t left, int32_t right, int32_t merged);

  /// Merges until no adjacent pair has a merge: the lowest rank first, the leftmost among equals.
  /// Near-linear in the number of symbols.
  void apply(std::vector<Symbol>& symbols) const;

  /// The same for up to kFew symbols; returns how many are left.
  size_t apply_few(Symbol* symbols, size_t size) const;
  static constexpr size_t kFew = 40;

 private:
  struct Merge {
    uint64_t pair = kNoPair;
    uint32_t rank = kNever;
    int32_t merged = 0;
  };
  static constexpr uint64_t kNoPair = ~0ull;
  static constexpr uint32_t kNever = ~0u;
  /// Its rank is kNever if the pair has no merge.
  const Merge& find(int32_t left, int32_t right) const;

  std::vector<Merge> table_;
  uint32_t added_ = 0;
  int shift_ = 0;
};

}  // namespace zoo
