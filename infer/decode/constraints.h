// Constraints: forbidden and forced next tokens.
//
// All work like the corresponding logits processors in `transformers`: logits [B, V] in, new ones
// out. Forbidden tokens become minus infinity; forced ones become 0 and all others minus infinity.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <span>
#include <vector>

#include "infer/decode/row_tokens.h"

namespace zoo {

/// Forbids the tokens in every row.
torch::Tensor forbid_tokens(const torch::Tensor& logits, std::span<const int64_t> ids);

/// Forbids the tokens ids[b] in row b.
torch::Tensor forbid_tokens_of_rows(const torch::Tensor& logits,
                                    const std::vector<std::vector<int64_t>>& ids);

/// Paulus et al. 2017 (arXiv:1705.04304), §2.5, there with n = 3: no n-gram occurs twice in a row's
/// text, the prompt included.
torch::Tensor forbid_repeated_ngrams(const torch::Tensor& logits, Rows rows, int64_t n);

/// No n-gram of a row's source is generated: forbids the tokens that follow the text's last n - 1
/// tokens there.
torch::Tensor forbid_ngrams_of_sources(const torch::Tensor& logits, Rows rows, int64_t n);

/// Forbids sequences of tokens: the last token is forbidden after the others.
torch::Tensor forbid_words(const torch::Tensor& logits, Rows rows,
                           std::span<const std::vector<int64_t>> words);

/// Row b may take only the tokens forced[b], all with equal scores; if empty: any token.
torch::Tensor force_tokens(const torch::Tensor& logits,
                           const std::vector<std::vector<int64_t>>& forced);

}  // namespace zoo
