// Penalties and constraints as a list, in the order of `transformers`. Every strategy applies it to
// the scores before it chooses. As there, beam search passes log-probabilities, sampling passes
// logits.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "infer/decode/options.h"
#include "infer/decode/row_tokens.h"

namespace zoo {

/// Scores [B, V] of the token after rows[b].all -> new ones.
using LogitsProcessor = std::function<torch::Tensor(const torch::Tensor& logits, Rows rows)>;

/// The processors for the options: usable vocabulary, sequence bias, tokens that earlier groups of
/// beams have taken at this step (`taken`, read at each call), encoder repetition penalty,
/// repetition penalty, presence and frequency penalty, repeated n-grams, n-grams of the source, bad
/// words, minimum length, forced beginning, forced end, invalid values, exponential length decay,
/// suppressed tokens; without sampling also renormalisation to log-probabilities.
std::vector<LogitsProcessor> logits_processors(const DecodeOptions& options,
                                               const std::vector<int64_t>* taken = nullptr);

torch::Tensor process(torch::Tensor logits, Rows rows,
                      const std::vector<LogitsProcessor>& processors);

inline constexpr const char* kEveryTokenIsForbidden =
    "every token is forbidden as the next one; relax bad-words, suppress-tokens, force-words, "
    "no-repeat-ngram-size or the minimum length";
/// The first row of scores [B, V] that is minus infinity everywhere.
std::optional<int64_t> row_without_tokens(const torch::Tensor& logits);
/// Throws std::runtime_error if there is one.
void check_something_is_allowed(const torch::Tensor& logits);

/// Throws std::runtime_error for ids outside the vocabulary.
void check_ids(const DecodeOptions& options, int64_t vocab_size);

}  // namespace zoo
