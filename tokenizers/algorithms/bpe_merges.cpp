#include "tokenizers/algorithms/bpe_merges.h"

#include <algorithm>
#include <bit>
#include <cstddef>

namespace zoo {
namespace {

uint64_t pair_of(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

/// A candidate merge; the lowest rank comes out of the heap first.
struct Due {
  uint32_t rank, position;
  int32_t merged;
  bool operator<(const Due& other) const {
    return rank != other.rank ? rank > other.rank : position > other.position;
  }
};

}  // namespace

BpeMerges::BpeMerges(size_t merges) : table_(std::bit_ceil(2 * merges + 2)) {
  shift_ = 64 - std::countr_zero(table_.size());
}

const BpeMerges::Merge& BpeMerges::find(int32_t left, int32_t right) const {
  const uint64_t pair = pair_of(left, right);
  const size_t mask = table_.size() - 1;
  size_t at = (pair * 0x9E3779B97F4A7C15u) >> shift_;
  while (table_[at].pair != pair && table_[at].pair != kNoPair) at = (at + 1) & mask;
  return table_[at];
}

void BpeMerges::add(int32_t left, int32_t right, int32_t merged) {
  auto& merge = const_cast<Merge&>(find(left, right));
  merge = {.pair = pair_of(left, right), .rank = added_++, .merged = merged};
}

size_t BpeMerges::apply_few(Symbol* symbols, size_t size) const {
  uint32_t rank[kFew];  // of the pair of each symbol and its right neighbour; the last has none
  int32_t merged[kFew];
  const auto note = [&](size_t i) {
    const Merge& merge = find(symbols[i].id, symbols[i + 1].id);
    rank[i] = merge.rank;
    merged[i] = merge.merged;
  };
  for (size_t i = 0; i + 1 < size; ++i) note(i);
  while (size > 1) {
    const auto best = static_cast<size_t>(std::min_element(rank, rank + size - 1) - rank);
    if (rank[best] == kNever) break;
    symbols[best] = {merged[best], symbols[best].length + symbols[best + 1].length};
    --size;
    for (size_t i = best + 1; i < size; ++i) {
      symbols[i] = symbols[i + 1];
      rank[i] = rank[i + 1];
      merged[i] = merged[i + 1];
    }
    if (best + 1 < size) note(best);
    if (best > 0) note(best - 1);
  }
  return size;
}

// A doubly linked list of symbols and a heap of candidate merges. As in the reference, a heap entry
// is stale if its result differs from the pair's current one: with a prefix inside words, two pairs
// at one position can have the same result.
void BpeMerges::apply(std::vector<Symbol>& symbols) const {
  constexpr uint32_t kNone = ~0u;
  const auto count = static_cast<uint32_t>(symbols.size());
  std::vector<uint32_t> previous(count), next(count);
  std::vector<Due> heap;
  const auto pair_at = [&](uint32_t i) -> const Merge& {
    return find(symbols[i].id, symbols[next[i]].id);
  };
  for (uint32_t i = 0; i < count; ++i) {
    previous[i] = i - 1;  // kNone for the first
    next[i] = i + 1 < count ? i + 1 : kNone;
    if (next[i] == kNone) continue;
    const Merge& merge = pair_at(i);
    if (merge.rank != kNever) heap.push_back({merge.rank, i, merge.merged});
  }
  std::make_heap(heap.begin(), heap.end());
  const auto note = [&](uint32_t i) {
    if (i == kNone || next[i] == kNone) return;
    const Merge& merge = pair_at(i);
    if (merge.rank == kNever) return;
    heap.push_back({merge.rank, i, merge.merged});
    std::push_heap(heap.begin(), heap.end());
  };
  while (!heap.empty()) {
    const Due due = heap.front();
    std::pop_heap(heap.begin(), heap.end());
    heap.pop_back();
    const uint32_t i = due.position;
    if (symbols[i].length == 0 || next[i] == kNone) continue;
    const Merge& merge = pair_at(i);
    if (merge.rank == kNever || merge.merged != due.merged) continue;
    const uint32_t right = next[i];
    symbols[i] = {due.merged, symbols[i].length + symbols[right].length};
    symbols[right].length = 0;
    next[i] = next[right];
    if (next[i] != kNone) previous[next[i]] = i;
    note(previous[i]);
    note(i);
  }
  std::erase_if(symbols, [](const Symbol& symbol) { return symbol.length == 0; });
}

}  // namespace zoo
