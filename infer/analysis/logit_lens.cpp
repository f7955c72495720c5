#include "infer/analysis/logit_lens.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace zoo {

LogitLens logit_lens(GptImpl& model, const std::vector<int64_t>& tokens, int64_t top) {
  const torch::NoGradGuard no_grad;
  const auto ids = torch::tensor(tokens, torch::kLong).unsqueeze(0);  // [1, T]
  check_token_ids(ids, model.options.vocab_size, "logit_lens");
  Trace trace{.hidden_states = true, .tensors = {}};
  model.hidden(ids.to(model.token_embedding->weight.device()),
               {.trace = &trace, .trace_before_norm = true});
  const auto log_probs = [&](int64_t layer) {
    auto h = trace.tensors.at("hidden_states." + std::to_string(layer))[0];  // [T, C]
    if (model.final_norm) h = model.final_norm(h);
    return model.logits_of(h).to(torch::kDouble).log_softmax(-1);  // [T, V]
  };
  const auto last = log_probs(model.options.layers);    // [T, V]
  const auto says = last.argmax(-1, /*keepdim=*/true);  // [T, 1]
  const int64_t K = std::min(top, model.options.vocab_size);
  std::vector<torch::Tensor> best, probabilities, ranks, divergences;
  for (int64_t n = 0; n <= model.options.layers; ++n) {
    const auto here = log_probs(n);                  // [T, V]
    const auto [values, places] = here.topk(K, -1);  // [T, K]
    best.push_back(places);
    probabilities.push_back(values.exp());
    ranks.push_back(here.gt(here.gather(-1, says)).sum(-1));                      // [T]
    divergences.push_back((last.exp() * (last - here)).sum(-1) / std::log(2.0));  // [T]
  }
  return {.ids = torch::stack(best).cpu(),
          .probabilities = torch::stack(probabilities).cpu(),
          .rank = torch::stack(ranks).cpu(),
          .divergence = torch::stack(divergences).cpu()};
}

}  // namespace zoo
