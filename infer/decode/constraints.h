// Constraints: tokens that may not come next, and tokens that must.
//
// All as the logits processors of the same purpose in `transformers`: logits [B, V] in, new ones
// out; what is forbidden becomes minus infinity, what is forced 0 and all else minus infinity.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <span>
#include <vector>

#include "infer/decode/row_tokens.h"

namespace zoo {

/// Of every row.
torch::Tensor forbid_tokens(const torch::Tensor& logits, std::span<const int64_t> ids);

/// Row b loses the tokens ids[b].
torch::Tensor forbid_tokens_of_rows(const torch::Tensor& logits,
                                    const std::vector<std::vector<int64_t>>& ids);

/// Paulus et al. 2017 (arXiv:1705.04304), §2.5, there with n = 3: no n-gram comes twice in a row's
/// text, the prompt included.
torch::Tensor forbid_repeated_ngrams(const torch::Tensor& logits, Rows rows, int64_t n);

/// No n-gram of a row's source comes: the tokens that follow the text's last n - 1 ones there.
torch::Tensor forbid_ngrams_of_sources(const torch::Tensor& logits, Rows rows, int64_t n);

/// Sequences of tokens that never come whole: the last one is forbidden behind the others.
torch::Tensor forbid_words(const torch::Tensor& logits, Rows rows,
                           std::span<const std::vector<int64_t>> words);

/// Row b may take the tokens forced[b] alone, all alike; none: anything.
torch::Tensor force_tokens(const torch::Tensor& logits,
                           const std::vector<std::vector<int64_t>>& forced);

}  // namespace zoo
