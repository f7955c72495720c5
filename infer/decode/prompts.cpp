// From prompts to the model's input.
#include "infer/decode/prompts.h"

#include <fmt/format.h>

#include <stdexcept>

#include "infer/decode/processors.h"
#include "infer/decode/rows.h"
#include "models/batching/padding.h"

namespace zoo {

void check_prompts(Prompts prompts, const NextToken& model, const DecodeOptions& options) {
  if (prompts.empty()) throw std::runtime_error("there is no prompt");
  for (size_t p = 0; p < prompts.size(); ++p) {
    const auto length = std::ssize(prompts[p]);
    if (length == 0) throw std::runtime_error(fmt::format("prompt {} has no token", p + 1));
    if (model.longest_prompt() > 0 && length > model.longest_prompt()) {
      throw std::runtime_error(
          fmt::format("prompt {} has {} tokens, the model's context is {}; shorten it", p + 1,
                      length, model.longest_prompt()));
    }
    if (longest_continuation(options, length) < (options.max_length > 0 ? 1 : 0)) {
      throw std::runtime_error(
          fmt::format("prompt {} has {} tokens and max-length is {}: nothing can follow; raise it, "
                      "or give --max-new-tokens",
                      p + 1, length, options.max_length));
    }
    for (const int64_t id : prompts[p]) {
      if (id >= 0 && id < model.vocab_size()) continue;
      throw std::runtime_error(
          fmt::format("prompt {} has token id {}, the model's vocabulary is 0 to {}", p + 1, id,
                      model.vocab_size() - 1));
    }
  }
}

void check_request(Prompts prompts, const NextToken& model, const DecodeOptions& options) {
  check(options);
  check_prompts(prompts, model, options);
  check_ids(options, model.vocab_size());
}

TokenBatch to_batch(Prompts rows) { return {pad_rows(rows), row_lengths(rows)}; }

RowTokens row_of(Prompts prompts, size_t p, const DecodeOptions& options) {
  const auto& prompt = prompts[p];
  return {.all = prompt,
          .prompt_length = std::ssize(prompt),
          .longest = longest_continuation(options, std::ssize(prompt)),
          .source = options.sources.empty() ? prompt : options.sources[p]};
}

torch::Tensor log_probs_of(const torch::Tensor& logits) {
  auto log_probs = logits.to(torch::kFloat).log_softmax(-1);
  if (log_probs.isnan().any().item<bool>()) {
    throw std::runtime_error(
        "the model's scores are not numbers (NaN): its weights are damaged, or its "
        "training diverged");
  }
  return log_probs;
}

}  // namespace zoo
