// The fixed table of sines and cosines. Vaswani et al. 2017, §3.5.
#include "models/positions/sinusoidal.h"

#include <cmath>

namespace zoo {

torch::Tensor sinusoidal_table(int64_t max_positions, int64_t d_model, SinusoidOrder order) {
  const auto places = torch::arange(max_positions, torch::kDouble).unsqueeze(1);  // [P, 1]
  const auto pairs = torch::arange(0, d_model, 2, torch::kDouble);  // [ceil(C / 2)]: 2i
  const auto angles =
      places * torch::exp(pairs * (-std::log(10000.0) / static_cast<double>(d_model)));
  const auto table = order == SinusoidOrder::kHalves
                         ? torch::cat({angles.sin(), angles.cos()}, -1)
                         : torch::stack({angles.sin(), angles.cos()}, -1).flatten(1);
  return table.narrow(1, 0, d_model).to(torch::kFloat).contiguous();  // [P, C]
}

SinusoidalPosition::SinusoidalPosition(int64_t max_positions, int64_t d_model, SinusoidOrder order)
    : table(sinusoidal_table(max_positions, d_model, order)) {}

torch::Tensor SinusoidalPosition::embed(const torch::Tensor& x, const torch::Tensor& positions) {
  if (table.device() != x.device()) table = table.to(x.device());
  return x + table.index({positions}).to(x.dtype());  // [B, T, C]
}

}  // namespace zoo
