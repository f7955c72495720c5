// Penalties: tokens become less or more likely, depending on the text before them.
#pragma once
#include <torch/types.h>

#include <span>

#include "infer/decode/options.h"
#include "infer/decode/row_tokens.h"

namespace zoo {

/// How often each token occurs in each row's text: float [B, V]. `generated_only`: without the
/// prompt. Ids from V on are ignored.
torch::Tensor count_tokens(Rows rows, int64_t vocab_size, bool generated_only);

/// Which tokens occur in each row's source: bool [B, V].
torch::Tensor tokens_of_sources(Rows rows, int64_t vocab_size);

/// Adds a sequence's bias to its last token in rows that end with the tokens before it.
torch::Tensor add_sequence_bias(const torch::Tensor& logits, Rows rows,
                                std::span<const SequenceBias> biases);

/// After decay.start new tokens, each end of text gains |score| (factor^n - 1), where n counts the
/// tokens since: the longer a text, the likelier its end.
torch::Tensor favour_ends(const torch::Tensor& logits, Rows rows, std::span<const int64_t> ends,
                          const ExponentialDecay& decay);

/// CTRL, Keskar et al. 2019 (arXiv:1909.05858), §4.1, with the sign handling of `transformers`:
/// positive logits of tokens in `seen` (bool [B, V]) are divided by the penalty, negative ones
/// multiplied.
torch::Tensor penalise_repetition(const torch::Tensor& logits, const torch::Tensor& seen,
                                  double penalty);

/// OpenAI's definition (API reference, "frequency and presence penalties"): a token that was
/// generated c > 0 times loses c * frequency + presence. counts [B, V].
torch::Tensor penalise_presence_and_frequency(const torch::Tensor& logits,
                                              const torch::Tensor& counts, double presence,
                                              double frequency);

}  // namespace zoo
