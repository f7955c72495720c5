// Which blocks of tokens see each other: layouts for AttendArgs::block_layout, so that the cost of
// a layer grows with the length and not with its square.
//
// All patterns are those of a longer text cut off: rows and columns are the same for any length, so
// that a cache, padding and other rows change nothing. With causal, the kernel leaves the lower
// triangle.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <string_view>
#include <utility>

#include "base/named_enum.h"

namespace zoo {

/// strided, fixed: Child et al. 2019 (arXiv:1904.10509, section 4), their two parts as one pattern.
/// bigbird: Zaheer et al. 2020 (arXiv:2007.14062, section 2).
enum class BlockPattern { kNone, kStrided, kFixed, kBigBird };
template <>
struct EnumNames<BlockPattern> {
  static constexpr std::string_view what = "block pattern";
  static constexpr std::pair<BlockPattern, std::string_view> values[] = {
      {BlockPattern::kNone, "none"},
      {BlockPattern::kStrided, "strided"},
      {BlockPattern::kFixed, "fixed"},
      {BlockPattern::kBigBird, "bigbird"}};
};

/// Block r sees block c where, with w, g and n the numbers of blocks below,
///   strided: |r - c| < w or w divides r - c;
///   fixed:   both are in the same w blocks, or c is one of the last g of any w;
///   bigbird: |r - c| < w, or one of them is one of the first g, or the later one has drawn the
///            earlier one, as it does with n of those that it would not see.
/// Differs from BigBird: a block draws from those before it, and a pair is seen from both ends.
struct BlockLayoutOptions {
  BlockPattern pattern = BlockPattern::kNone;
  int64_t size = 64;  ///< tokens in a block
  int64_t window_blocks = 2, global_blocks = 1, random_blocks = 2;
  uint64_t seed = 0;  ///< of what is drawn
};

/// Bool [n, n] on the CPU for `length` tokens. Rows before `first_row` are left false: a cache
/// needs only those of its new tokens.
torch::Tensor block_layout(const BlockLayoutOptions& options, int64_t length,
                           int64_t first_row = 0);

}  // namespace zoo
