// All prompts at once through a generation loop, until every text has ended.
#include "infer/decode/generate.h"

#include <numeric>
#include <utility>

#include "infer/decode/generation_loop.h"
#include "infer/decode/prompts.h"

namespace zoo {

double Generation::log_prob() const {
  return std::accumulate(log_probs.begin(), log_probs.end(), 0.0);
}

std::vector<Generation> generate(const NextToken& model, std::unique_ptr<DecodeState> state,
                                 Prompts prompts, const DecodeOptions& options,
                                 const OnToken& on_token) {
  check_request(prompts, model, options);
  const bool any_token = asks_for_tokens(options);
  std::vector<Generation> generations;
  for (int64_t p = 0; p < std::ssize(prompts); ++p) {
    for (int64_t s = 0; s < options.num_return_sequences; ++s) {
      generations.push_back(
          {.prompt = p,
           .sample = options.first_sample + s,
           .finish = any_token ? FinishReason::kInterrupted : FinishReason::kLength});
    }
  }
  if (!any_token) return generations;
  GenerationLoop loop(model);
  loop.add(prompts, options, std::move(state), on_token);
  while (!loop.empty() && !(options.interrupted && options.interrupted())) {
    for (const TokenEvent& event : loop.step()) {
      Generation& generation = generations[static_cast<size_t>(event.id)];
      generation.tokens.push_back(event.token);
      generation.log_probs.push_back(event.log_prob);
      generation.score += event.log_prob;
      if (event.finish) generation.finish = *event.finish;
    }
  }
  return generations;
}

}  // namespace zoo
