// Texts for CLIP's text tower, cut to its context, with the token at which it is pooled; and their
// embeddings.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/clip/clip.h"
#include "tokenizers/tokenizer.h"

namespace zoo {

/// The id that ends a text: end-of-text, else [SEP]. Throws std::runtime_error for a tokenizer with
/// neither.
int64_t text_end_id(const Tokenizer& tokenizer);

/// [B, T] int64: each text in the tokenizer's template with `end` as its last token; T is the
/// longest one's length, at most `context`. Shorter texts are padded with `end`, which the causal
/// tower cannot see from the text. A tower that is read at the last place was trained on texts of
/// full length: `padding` is then what fills them, to T = context.
torch::Tensor clip_tokens(const Tokenizer& tokenizer, std::span<const std::string> texts,
                          int64_t end, int64_t context, std::optional<int64_t> padding = {});

/// What clip_tokens() fills texts with for this model: the tokenizer's padding token, else `end`.
std::optional<int64_t> text_padding(const ClipOptions& options, const Tokenizer& tokenizer,
                                    int64_t end);

/// N texts -> [N, E], rows of length one, on the model's device
torch::Tensor embed_clip_texts(ClipImpl& model, const Tokenizer& tokenizer,
                               const std::vector<std::string>& texts, int64_t end);

/// The same for names in sentences, with {} standing for the name: the mean of a name's embeddings,
/// normalised again. Radford et al. 2021, §3.1.4.
torch::Tensor embed_clip_names(ClipImpl& model, const Tokenizer& tokenizer,
                               const std::vector<std::string>& names,
                               const std::vector<std::string>& sentences, int64_t end);

/// Throws std::invalid_argument if there are no sentences, and for one without {}.
void check_sentences(const std::vector<std::string>& sentences);

}  // namespace zoo
