// The end of every step of every strategy that grows one text a row: a token joins it.
#pragma once
#include "infer/decode/generation.h"
#include "infer/decode/options.h"
#include "infer/decode/row_tokens.h"

namespace zoo {

/// Adds the token to both, tells on_token, and says why the text ends with it if it does. True
/// where the text goes on.
bool append_token(Generation& generation, RowTokens& text, int64_t row, int64_t token,
                  double log_prob, const DecodeOptions& options, const OnToken& on_token);

}  // namespace zoo
