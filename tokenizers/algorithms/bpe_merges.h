// The merges of byte pair encoding (Sennrich et al. 2016, arXiv:1508.07909): which two pieces
// become which, and in what order.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace zoo {

/// A piece of a word that is being merged.
struct Symbol {
  int32_t id = 0;
  uint32_t length = 0;  ///< bytes of the word
};

class BpeMerges {
 public:
  /// `merges` is how many will be added.
  explicit BpeMerges(size_t merges);

  /// The next merge, after all others. A pair given again moves to the new place.
  void add(int32_t left, int32_t right, int32_t merged);

  /// Merges until no pair of neighbours has a merge: of all those possible the earliest added
  /// first, the leftmost of equals. Near-linear in the number of symbols.
  void apply(std::vector<Symbol>& symbols) const;

  /// The same for `size` symbols of which there are few (up to kFew); the number left is returned.
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
  /// Rank kNever where there is none.
  const Merge& find(int32_t left, int32_t right) const;

  std::vector<Merge> table_;
  uint32_t added_ = 0;
  int shift_ = 0;
};

}  // namespace zoo
