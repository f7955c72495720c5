// Another way: loops for the slopes and the table, an index for the dense form.
#include "notebooks-cpp/exercises/08_alibi/alibi.h"

torch::Tensor alibi_slopes(int64_t heads) {
  std::vector<double> slopes;
  const auto n = static_cast<int64_t>(std::pow(2.0, std::floor(std::log2(double(heads)) + 1e-9)));
  for (int64_t h = 1; h <= n; ++h) slopes.push_back(std::exp2(-8.0 * h / n));
  for (int64_t h = 1; h <= heads - n; ++h)
    slopes.push_back(std::exp2(-8.0 * (2 * h - 1) / (2 * n)));
  return torch::tensor(slopes).to(torch::kFloat);
}

torch::Tensor alibi_relative_bias(const torch::Tensor& slopes, int64_t T, int64_t S) {
  std::vector<torch::Tensor> columns;
  for (int64_t j = 0; j < T + S - 1; ++j) {
    const int64_t behind = S - 1 - j;  // of the query's position
    columns.push_back(slopes * static_cast<double>(-std::max<int64_t>(behind, 0)));
  }
  return torch::stack(columns, 1);
}

torch::Tensor dense_bias(const torch::Tensor& relative_bias, int64_t S) {
  const int64_t T = relative_bias.size(1) - S + 1;
  const auto entry = torch::arange(S).unsqueeze(0) - torch::arange(T).unsqueeze(1) + (T - 1);
  return relative_bias.index_select(1, entry.flatten()).view({-1, T, S});
}
