// Texts as CLIP's text tower reads them: cut to its context, with the token at which it is read;
// and what it makes of them.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "models/clip/clip.h"
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

/// N texts -> [N, E], rows of length one, on the model's device
torch::Tensor embed_clip_texts(ClipImpl& model, const Tokenizer& tokenizer,
                               const std::vector<std::string>& texts, int64_t end);

/// The same of names in sentences, with {} standing for the name: the mean of a name's embeddings,
/// made one long again. Radford et al. 2021, §3.1.4.
torch::Tensor embed_clip_names(ClipImpl& model, const Tokenizer& tokenizer,
                               const std::vector<std::string>& names,
                               const std::vector<std::string>& sentences, int64_t end);

/// Throws std::invalid_argument for no sentence, and for one without {}.
void check_sentences(const std::vector<std::string>& sentences);

}  // namespace zoo
