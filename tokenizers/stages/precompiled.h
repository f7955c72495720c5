// The normalisation inside SentencePiece models (T5, ALBERT, XLM-R), as the `tokenizers` package
// applies it; SentencePiece itself takes the longest match at each place instead.
#pragma once
#include <memory>
#include <string_view>

#include "tokenizers/stages/normalizer.h"

namespace zoo {

/// charsmap: the bytes of a model's precompiled_charsmap. Throws std::runtime_error for a damaged
/// one.
std::unique_ptr<Normalizer> make_precompiled_normalizer(std::string_view charsmap);

}  // namespace zoo
