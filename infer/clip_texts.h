// Texts as CLIP's text tower reads them: cut to its context, with the token at which it is read.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <span>
#include <string>

#include "tokenizers/tokenizer.h"

namespace zoo {

/// The id that ends a text: end-of-text, else [SEP]. Throws std::runtime_error for a tokenizer with
/// neither.
int64_t text_end_id(const Tokenizer& tokenizer);

/// [B, T] int64: each text with the tokenizer's template around it and `end` as its last token; T
/// is the longest one's length, at most `context`. Shorter texts are filled up with `end`, which
/// the causal tower does not see before it has read the text.
torch::Tensor clip_tokens(const Tokenizer& tokenizer, std::span<const std::string> texts,
                          int64_t end, int64_t context);

}  // namespace zoo
