// Another way: arithmetic with zeros and ones instead of a choice.
#include "notebooks-cpp/exercises/18_masked_tokens/masked_tokens.h"

torch::Tensor choose_tokens(const torch::Tensor& tokens, const torch::Tensor& special,
                            const torch::Tensor& lots, double share) {
  const auto is_special = special.index_select(0, tokens.reshape({-1})).reshape(tokens.sizes());
  return (lots < share) & ~is_special;
}

std::tuple<torch::Tensor, torch::Tensor> mask_tokens(const torch::Tensor& tokens,
                                                     const torch::Tensor& chosen,
                                                     const torch::Tensor& lots,
                                                     const torch::Tensor& words,
                                                     const torch::Tensor& ordinary, int64_t mask) {
  const auto is_chosen = chosen.to(torch::kLong);
  const auto to_mask = is_chosen * (lots < 0.8);
  const auto to_other = is_chosen * (lots < 0.9) - to_mask;
  const auto places = (words * ordinary.size(0)).to(torch::kLong).reshape({-1});
  const auto others = ordinary.index_select(0, places).reshape(tokens.sizes());
  const auto read = mask * to_mask + others * to_other + tokens * (1 - to_mask - to_other);
  return {read, tokens * is_chosen + kIgnored * (1 - is_chosen)};
}
