// Words that must come in a text: how much of them is missing, and what would bring them nearer.
//
// Everything is a function of the text: a word that is broken off counts again from where the
// text's end still matches its beginning, and words may overlap.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "infer/decode/options.h"

namespace zoo {

/// Tokens that the text still needs to hold one way of writing each word. Every text that misses
/// some has a next token after which it misses one less.
int64_t missing_tokens(std::span<const ForcedWord> words, std::span<const int64_t> text);

/// Next tokens that begin or go on with a word that the text does not hold.
std::vector<int64_t> tokens_towards(std::span<const ForcedWord> words,
                                    std::span<const int64_t> text);

}  // namespace zoo
