#include "infer/decode/append_token.h"

#include <algorithm>

namespace zoo {

bool append_token(Generation& generation, RowTokens& text, int64_t row, int64_t token,
                  double log_prob, const DecodeOptions& options, const OnToken& on_token) {
  text.all.push_back(token);
  generation.tokens.push_back(token);
  generation.log_probs.push_back(log_prob);
  generation.score += log_prob;
  const bool go_on = !on_token || on_token(row, token);
  if (std::ranges::count(options.eos_ids, token) > 0) {
    generation.finish = FinishReason::kEos;
  } else if (!go_on) {
    generation.finish = FinishReason::kStop;
  } else {
    return std::ssize(generation.tokens) < text.longest;
  }
  return false;
}

}  // namespace zoo
