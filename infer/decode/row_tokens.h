// A row for penalties and constraints: the tokens that its decoder has read and will read.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace zoo {

struct RowTokens {
  std::vector<int64_t> all;  ///< the prompt and what was generated. Of an encoder-decoder: what the
                             ///< decoder starts from and what it wrote; the source is not in it
  int64_t prompt_length = 0;
  int64_t longest = 0;                   ///< the most new tokens that the row may have
  std::span<const int64_t> source = {};  ///< what its encoder has read; else the prompt

  std::span<const int64_t> generated() const {
    return std::span(all).subspan(static_cast<size_t>(prompt_length));
  }
};

using Rows = std::span<const RowTokens>;

}  // namespace zoo
