// A tokenizer may have more ids than its model's embedding has rows, as Python allows it: an id
// beyond them is an error only where a text has it.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "tokenizers/tokenizer.h"

namespace zoo {

/// Throws std::runtime_error naming tokenizer, model, id and piece for an id that is `rows` or
/// more.
void check_token_rows(std::span<const int32_t> ids, int64_t rows, const Tokenizer& tokenizer);

}  // namespace zoo
