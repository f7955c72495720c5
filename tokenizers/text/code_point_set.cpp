#include "tokenizers/text/code_point_set.h"

#include <algorithm>
#include <unordered_map>

namespace zoo {

CodePointSet::CodePointSet() : block_of_(kBlocks), blocks_(1) {}

CodePointSet CodePointSet::of(std::span<const Range> ranges) {
  std::vector<Block> whole(kBlocks);
  for (const Range& range : ranges) {
    for (char32_t code = range.first; code <= range.last; ++code) {
      whole[code >> 8][(code >> 6) & 3] |= 1ull << (code & 63);
    }
  }
  CodePointSet set;
  constexpr Block kNone{}, kAll{~0ull, ~0ull, ~0ull, ~0ull};
  set.blocks_ = {kNone, kAll};
  for (size_t i = 0; i < kBlocks; ++i) {
    const bool shared = whole[i] == kNone || whole[i] == kAll;
    set.block_of_[i] = static_cast<uint16_t>(shared ? whole[i] == kAll : set.blocks_.size());
    if (!shared) set.blocks_.push_back(whole[i]);
  }
  return set;
}

CodePointSet CodePointSet::with(unicode::Classes classes) {
  const unicode::Table& table = unicode::table();
  CodePointSet set;
  set.block_of_ = table.block_of;
  set.blocks_.assign(table.kinds.size() / unicode::Table::kBlock, Block{});
  for (size_t i = 0; i < table.kinds.size(); ++i) {
    const bool member = (table.classes_of_kind[table.kinds[i]] & classes) != 0;
    set.blocks_[i >> 8][(i >> 6) & 3] |= static_cast<uint64_t>(member) << (i & 63);
  }
  return set;
}

bool CodePointSet::empty() const {
  return std::all_of(block_of_.begin(), block_of_.end(),
                     [&](uint16_t block) { return blocks_[block] == Block{}; });
}

std::vector<CodePointSet::Range> CodePointSet::ranges() const {
  std::vector<Range> found;
  for (char32_t code = 0; code < kBlocks * 256; ++code) {
    if ((code & 255) == 0 && blocks_[block_of_[code >> 8]] == Block{}) {
      code |= 255;
    } else if (!contains(code)) {
      continue;
    } else if (!found.empty() && found.back().last + 1 == code) {
      found.back().last = code;
    } else {
      found.push_back({code, code});
    }
  }
  return found;
}

bool CodePointSet::has_any(char32_t first, char32_t last) const {
  for (char32_t code = first; code <= last; ++code) {
    if (contains(code)) return true;
    if ((code & 255) == 0 && blocks_[block_of_[code >> 8]] == Block{}) code |= 255;
  }
  return false;
}

CodePointSet CodePointSet::combine(
    const CodePointSet& other, const std::function<uint64_t(uint64_t, uint64_t)>& operation) const {
  CodePointSet made;
  made.blocks_.clear();
  std::unordered_map<uint32_t, uint16_t> known;
  for (size_t i = 0; i < kBlocks; ++i) {
    const uint32_t pair = static_cast<uint32_t>(block_of_[i]) << 16 | other.block_of_[i];
    const auto [found, is_new] = known.emplace(pair, static_cast<uint16_t>(made.blocks_.size()));
    made.block_of_[i] = found->second;
    if (!is_new) continue;
    const Block &a = blocks_[block_of_[i]], &b = other.blocks_[other.block_of_[i]];
    Block bits{};
    for (size_t k = 0; k < bits.size(); ++k) bits[k] = operation(a[k], b[k]);
    made.blocks_.push_back(bits);
  }
  return made;
}

CodePointSet CodePointSet::operator|(const CodePointSet& other) const {
  return combine(other, [](uint64_t a, uint64_t b) { return a | b; });
}

CodePointSet CodePointSet::operator&(const CodePointSet& other) const {
  return combine(other, [](uint64_t a, uint64_t b) { return a & b; });
}

CodePointSet CodePointSet::operator~() const {
  return combine(*this, [](uint64_t a, uint64_t) { return ~a; });
}

}  // namespace zoo
