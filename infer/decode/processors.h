// Penalties and constraints as a list, in the order of `transformers`: every strategy runs it over
// the scores before it chooses. Beam search hands in log-probabilities, sampling logits, as there.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "infer/decode/options.h"
#include "infer/decode/row_tokens.h"

namespace zoo {

/// Scores [B, V] of the token that comes after rows[b].all -> new ones.
using LogitsProcessor = std::function<torch::Tensor(const torch::Tensor& logits, Rows rows)>;

/// Those that the options ask for: usable vocabulary, sequence bias, tokens that earlier groups of
/// beams have taken at this step (`taken`, read at each call), encoder repetition penalty,
/// repetition penalty, presence and frequency penalty, repeated n-grams, n-grams of the source, bad
/// words, minimum length, forced beginning, forced end, invalid values, decay of the length,
/// suppressed tokens; and where nothing is drawn, log-probabilities again.
std::vector<LogitsProcessor> logits_processors(const DecodeOptions& options,
                                               const std::vector<int64_t>* taken = nullptr);

torch::Tensor process(torch::Tensor logits, Rows rows,
                      const std::vector<LogitsProcessor>& processors);

inline constexpr const char* kEveryTokenIsForbidden =
    "every token is forbidden as the next one; relax bad-words, suppress-tokens, force-words, "
    "no-repeat-ngram-size or the minimum length";
/// The first row of scores [B, V] that is minus infinity throughout.
std::optional<int64_t> row_without_tokens(const torch::Tensor& logits);
/// Throws std::runtime_error where there is one.
void check_something_is_allowed(const torch::Tensor& logits);

/// Throws std::runtime_error for ids that the model does not have.
void check_ids(const DecodeOptions& options, int64_t vocab_size);

}  // namespace zoo
