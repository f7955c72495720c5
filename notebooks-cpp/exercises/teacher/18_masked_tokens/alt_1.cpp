// Another way: token by token.
#include "notebooks-cpp/exercises/18_masked_tokens/masked_tokens.h"

torch::Tensor choose_tokens(const torch::Tensor& tokens, const torch::Tensor& special,
                            const torch::Tensor& lots, double share) {
  auto chosen = torch::zeros(tokens.sizes(), torch::kBool);
  for (int64_t b = 0; b < tokens.size(0); ++b)
    for (int64_t t = 0; t < tokens.size(1); ++t)
      if (!special[tokens[b][t].item<int64_t>()].item<bool>())
        chosen[b][t] = lots[b][t].item<double>() < share;
  return chosen;
}

std::tuple<torch::Tensor, torch::Tensor> mask_tokens(const torch::Tensor& tokens,
                                                     const torch::Tensor& chosen,
                                                     const torch::Tensor& lots,
                                                     const torch::Tensor& words,
                                                     const torch::Tensor& ordinary, int64_t mask) {
  auto read = tokens.clone(), targets = torch::full(tokens.sizes(), kIgnored, torch::kLong);
  for (int64_t b = 0; b < tokens.size(0); ++b) {
    for (int64_t t = 0; t < tokens.size(1); ++t) {
      if (!chosen[b][t].item<bool>()) continue;
      targets[b][t] = tokens[b][t];
      const double lot = lots[b][t].item<double>();
      const auto number =
          static_cast<int64_t>(words[b][t].item<double>() * static_cast<double>(ordinary.numel()));
      if (lot < 0.8)
        read[b][t] = mask;
      else if (lot < 0.9)
        read[b][t] = ordinary[number];
    }
  }
  return {read, targets};
}
