// Sets of code points, for [...], \s and \p{...} in regular expressions.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "tokenizers/text/unicode_classes.h"

namespace zoo {

/// Two-level bitmap of the code points up to U+10FFFF. Most equal blocks of 256 are stored once.
class CodePointSet {
 public:
  /// Empty.
  CodePointSet();
  struct Range {
    char32_t first = 0, last = 0;
  };
  static CodePointSet of(std::span<const Range> ranges);
  static CodePointSet of(char32_t code) { return of(std::array{Range{code, code}}); }
  /// Code points that have at least one of these classes.
  static CodePointSet with(unicode::Classes classes);

  bool contains(char32_t code) const {
    return (blocks_[block_of_[code >> 8]][(code >> 6) & 3] >> (code & 63)) & 1;
  }
  bool empty() const;
  /// Its ranges, in ascending order.
  std::vector<Range> ranges() const;
  bool intersects(const CodePointSet& other) const { return !(*this & other).empty(); }
  /// Whether it contains any code point of [first, last].
  bool has_any(char32_t first, char32_t last) const;

  CodePointSet operator|(const CodePointSet& other) const;
  CodePointSet operator&(const CodePointSet& other) const;
  CodePointSet operator~() const;

 private:
  using Block = std::array<uint64_t, 4>;
  static constexpr size_t kBlocks = 0x1100;
  CodePointSet combine(const CodePointSet& other,
                       const std::function<uint64_t(uint64_t, uint64_t)>& operation) const;

  std::vector<uint16_t> block_of_;
  std::vector<Block> blocks_;
};

}  // namespace zoo
