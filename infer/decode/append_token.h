// The end of every step of every strategy that grows one text a row: a token joins it.
#pragma once
#include <optional>

#include "infer/decode/generation.h"
#include "infer/decode/options.h"
#include "infer/decode/row_tokens.h"

namespace zoo {

/// Shows the text's last token to on_token. Why the text ends with it; nothing where it goes on.
std::optional<FinishReason> finish_of(const RowTokens& text, const DecodeOptions& options,
                                      int64_t row, const OnToken& on_token);

/// Adds the token to both, and says in `generation` why the text ends with it if it does. True
/// where the text goes on.
bool append_token(Generation& generation, RowTokens& text, int64_t row, int64_t token,
                  double log_prob, const DecodeOptions& options, const OnToken& on_token);

}  // namespace zoo
