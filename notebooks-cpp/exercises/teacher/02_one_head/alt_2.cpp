// Another way: query by query, the mask as numbers added to the scores.
#include "notebooks-cpp/exercises/02_one_head/one_head.h"

torch::Tensor attention_weights(const torch::Tensor& q, const torch::Tensor& k,
                                const torch::Tensor& may_attend) {
  auto sizes = q.sizes().vec();
  sizes.back() = k.size(-2);
  std::vector<torch::Tensor> rows;
  for (int64_t t = 0; t < q.size(-2); ++t) {
    const auto products = (q.select(-2, t).unsqueeze(-2) * k).sum(-1);
    const auto row = products / std::sqrt(static_cast<double>(k.size(-1)));
    if (may_attend.defined()) {
      const auto see = may_attend.expand(sizes).select(-2, t);  // [..., S]
      const auto some = see.any(-1, true).to(row.dtype());      // [..., 1]
      const auto added = torch::zeros(see.sizes()).masked_fill(~see, -1e9);
      rows.push_back((row + added).softmax(-1) * some);
    } else {
      rows.push_back(row.softmax(-1));
    }
  }
  return torch::stack(rows, -2);
}

torch::Tensor attend_one_head(const torch::Tensor& q, const torch::Tensor& k,
                              const torch::Tensor& v, const torch::Tensor& may_attend) {
  const auto weights = attention_weights(q, k, may_attend);  // [..., T, S]
  return (weights.unsqueeze(-1) * v.unsqueeze(-3)).sum(-2);
}
