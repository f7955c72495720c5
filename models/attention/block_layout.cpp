// The patterns block by block; random blocks from a counter-based generator.
#include "models/attention/block_layout.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <vector>

#include "models/attention/philox.h"

namespace zoo {
namespace {

bool sees(const BlockLayoutOptions& o, int64_t row, int64_t column) {
  const int64_t w = o.window_blocks, g = o.global_blocks;
  const int64_t distance = std::max(row, column) - std::min(row, column);
  switch (o.pattern) {
    case BlockPattern::kNone:
      break;
    case BlockPattern::kStrided:
      return distance < w || distance % w == 0;
    case BlockPattern::kFixed:
      return row / w == column / w || column % w >= w - g;
    case BlockPattern::kBigBird:
      return distance < w || std::min(row, column) < g;
  }
  return true;
}

/// The earlier blocks that block `row` draws: distinct, by Floyd's algorithm.
std::vector<int64_t> drawn_by(const BlockLayoutOptions& o, int64_t row) {
  const int64_t first = o.global_blocks, count = row - o.window_blocks + 1 - first;
  std::vector<int64_t> drawn;
  for (int64_t last = std::max<int64_t>(0, count - o.random_blocks); last < count; ++last) {
    const auto word = philox(o.seed, {static_cast<uint32_t>(last), static_cast<uint32_t>(row),
                                      static_cast<uint32_t>(row >> 32), 1})[0];
    const int64_t block = first + static_cast<int64_t>(word) % (last + 1);
    drawn.push_back(std::ranges::find(drawn, block) == drawn.end() ? block : first + last);
  }
  return drawn;
}

}  // namespace

torch::Tensor block_layout(const BlockLayoutOptions& o, int64_t length, int64_t first_row) {
  TORCH_CHECK(o.size >= 1 && o.window_blocks >= 1 && o.global_blocks >= 0 && o.random_blocks >= 0,
              "block_layout: blocks need a size and a window of at least 1, and no number below 0");
  const int64_t n = (length + o.size - 1) / o.size;
  const auto layout = torch::zeros({n, n}, torch::kBool);
  bool* const cells = layout.data_ptr<bool>();
  for (int64_t row = std::max<int64_t>(0, first_row); row < n; ++row) {
    for (int64_t column = 0; column < n; ++column) cells[row * n + column] |= sees(o, row, column);
    if (o.pattern != BlockPattern::kBigBird) continue;
    for (const int64_t earlier : drawn_by(o, row))
      cells[row * n + earlier] = cells[earlier * n + row] = true;
  }
  return layout;
}

}  // namespace zoo
