// Appends a token to a row: the last part of a step in all strategies with one text per row.
#pragma once
#include <optional>

#include "infer/decode/generation.h"
#include "infer/decode/options.h"
#include "infer/decode/row_tokens.h"

namespace zoo {

/// Passes the text's last token to on_token. Returns why the text ends with it; nothing if it
/// continues.
std::optional<FinishReason> finish_of(const RowTokens& text, const DecodeOptions& options,
                                      int64_t row, const OnToken& on_token);

/// Appends the token to both; if the text ends with it, stores the reason in `generation`. True if
/// the text continues.
bool append_token(Generation& generation, RowTokens& text, int64_t row, int64_t token,
                  double log_prob, const DecodeOptions& options, const OnToken& on_token);

}  // namespace zoo
