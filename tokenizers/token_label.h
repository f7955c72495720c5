// Tokens as labels of rows and columns.
#pragma once
#include <cstdint>
#include <string>

#include "tokenizers/tokenizer.h"

namespace zoo {

/// A token as a label: spaces, line ends and halves of characters made visible, long ones cut. What
/// adds nothing to a text is an empty set.
std::string token_label(const Tokenizer& tokenizer, int64_t id);

}  // namespace zoo
