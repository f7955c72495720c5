// Tokens as labels of rows and columns in figures.
#pragma once
#include <cstdint>
#include <string>

#include "tokenizers/tokenizer.h"

namespace zoo {

/// A token's text as a label: white space and invalid bytes visible, at most 8 characters and "…".
/// A token without text gives "∅".
std::string token_label(const Tokenizer& tokenizer, int64_t id);

}  // namespace zoo
