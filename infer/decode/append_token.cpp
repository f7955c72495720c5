#include "infer/decode/append_token.h"

#include <algorithm>

namespace zoo {

std::optional<FinishReason> finish_of(const RowTokens& text, const DecodeOptions& options,
                                      int64_t row, const OnToken& on_token) {
  const int64_t token = text.all.back();
  const bool go_on = !on_token || on_token(row, token);
  if (std::ranges::count(options.eos_ids, token) > 0) return FinishReason::kEos;
  if (!go_on || (options.stops && options.stops(text.generated()))) return FinishReason::kStop;
  if (std::ssize(text.generated()) >= text.longest) return FinishReason::kLength;
  return {};
}

bool append_token(Generation& generation, RowTokens& text, int64_t row, int64_t token,
                  double log_prob, const DecodeOptions& options, const OnToken& on_token) {
  text.all.push_back(token);
  generation.tokens.push_back(token);
  generation.log_probs.push_back(log_prob);
  generation.score += log_prob;
  const auto finish = finish_of(text, options, row, on_token);
  if (finish) generation.finish = *finish;
  return !finish;
}

}  // namespace zoo
