// The normalisation of SentencePiece models (T5, ALBERT, XLM-R), as applied by the `tokenizers`
// package. SentencePiece itself takes the longest match at each position instead.
#pragma once
#include <memory>
#include <string_view>

#include "tokenizers/stages/normalizer.h"

namespace zoo {

/// charsmap: the bytes of a model's precompiled_charsmap. Throws std::runtime_error if it is
/// damaged.
std::unique_ptr<Normalizer> make_precompiled_normalizer(std::string_view charsmap);

}  // namespace zoo
