// Words that a text must contain: how many tokens are missing, and which tokens make progress.
//
// Everything is a function of the text: after a mismatch, a word restarts where the text's end
// still matches its beginning, and words may overlap.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "infer/decode/options.h"

namespace zoo {

/// Tokens that the text still needs to contain one spelling of each word. If some are missing,
/// there is always a next token that reduces the number by one.
int64_t missing_tokens(std::span<const ForcedWord> words, std::span<const int64_t> text);

/// Next tokens that begin or continue a word that the text does not contain.
std::vector<int64_t> tokens_towards(std::span<const ForcedWord> words,
                                    std::span<const int64_t> text);

}  // namespace zoo
