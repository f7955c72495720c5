// Rows of different lengths as one tensor, and back: which positions hold a token.
#pragma once
#include <torch/types.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace zoo {

struct PaddingOptions {
  int64_t filler = 0;  ///< the id of every position without a token
  int64_t column = 0;  ///< where each row begins
  int64_t width = 0;   ///< T at least; the longest row may need more
};

/// Rows of ids, each a container of integers -> [B, T] int64 on the CPU, padded on the right. T is
/// what the longest row needs.
template <class Rows>
torch::Tensor pad_rows(const Rows& rows, const PaddingOptions& options = {}) {
  int64_t T = options.width;
  for (const auto& row : rows) T = std::max(T, options.column + std::ssize(row));
  torch::Tensor padded = torch::full({std::ssize(rows), T}, options.filler, torch::kLong);
  int64_t* begin = padded.data_ptr<int64_t>();
  for (const auto& row : rows) {
    std::copy(std::begin(row), std::end(row), begin + options.column);
    begin += T;
  }
  return padded;
}

/// Rows of ids -> [B] int64 on the CPU: how many ids each has.
template <class Rows>
torch::Tensor row_lengths(const Rows& rows) {
  torch::Tensor lengths = torch::empty({std::ssize(rows)}, torch::kLong);
  int64_t* length = lengths.data_ptr<int64_t>();
  for (const auto& row : rows) *length++ = std::ssize(row);
  return lengths;
}

/// lengths [B] int64 -> [B, T] bool: true where the row has a token, false in its padding.
inline torch::Tensor token_mask(const torch::Tensor& lengths, int64_t T) {
  return torch::arange(T, lengths.options()).lt(lengths.unsqueeze(1));
}

/// tokens [B, T], lengths [B] -> [B, T] int64: the mask under `transformers`' name attention_mask.
inline torch::Tensor attention_mask(const torch::Tensor& tokens, const torch::Tensor& lengths) {
  return token_mask(lengths, tokens.size(1)).to(torch::kLong);
}

}  // namespace zoo
