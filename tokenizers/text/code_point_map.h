// A value for every code point: a two-level table that stores only blocks with values.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

namespace zoo {

/// The value is T{} for code points that were never set. Arguments are at most U+10FFFF.
template <class T>
class CodePointMap {
 public:
  CodePointMap() : blocks_(1) {}

  const T& operator[](char32_t code) const { return blocks_[block_of_[code >> 8]][code & 0xFF]; }

  /// For writing.
  T& at(char32_t code) {
    uint16_t& block = block_of_[code >> 8];
    if (block == 0) {
      block = static_cast<uint16_t>(blocks_.size());
      blocks_.emplace_back();
    }
    return blocks_[block][code & 0xFF];
  }

 private:
  std::vector<std::array<T, 256>> blocks_;  // the first stays empty and serves most code points
  std::array<uint16_t, 0x110000 / 256> block_of_ = {};
};

}  // namespace zoo
