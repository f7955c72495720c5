// The fixed table of sines and cosines. Vaswani et al. 2017, §3.5.
#include "models/positions/sinusoidal.h"

#include <cmath>

#include "base/own_function.h"
#include "models/layers/own_layers.h"

namespace zoo {

torch::Tensor sinusoidal_table(int64_t max_positions, int64_t d_model, SinusoidOrder order) {
  static auto* const own = own_function<OwnSinusoidalTable>("sinusoidal_table");
  if (own != nullptr && order == SinusoidOrder::kInterleaved) return own(max_positions, d_model);
  return sinusoids_of(torch::arange(max_positions, torch::kLong), d_model, order);
}

torch::Tensor sinusoids_of(const torch::Tensor& positions, int64_t d_model, SinusoidOrder order) {
  const auto pairs = torch::arange(0, d_model, 2, torch::kDouble);  // [ceil(C / 2)]: 2i
  const auto angles = positions.to(torch::kDouble).unsqueeze(1) *
                      torch::exp(pairs * (-std::log(10000.0) / static_cast<double>(d_model)));
  const auto table = order == SinusoidOrder::kHalves
                         ? torch::cat({angles.sin(), angles.cos()}, -1)
                         : torch::stack({angles.sin(), angles.cos()}, -1).flatten(1);
  return table.narrow(1, 0, d_model).to(torch::kFloat).contiguous();  // [P, C]
}

SinusoidalPosition::SinusoidalPosition(int64_t max_positions, int64_t d_model, SinusoidOrder order)
    : table(sinusoidal_table(max_positions, d_model, order)) {}

torch::Tensor SinusoidalPosition::embed(const torch::Tensor& x,
                                        const torch::Tensor& positions) const {
  return x + table.to(x.device()).index({positions}).to(x.dtype());  // [B, T, C]
}

void SinusoidalPosition::to(torch::Device device, torch::Dtype dtype, bool non_blocking) {
  Position::to(device, dtype, non_blocking);
  table = table.to(device);
}
void SinusoidalPosition::to(torch::Dtype dtype, bool non_blocking) {
  Position::to(dtype, non_blocking);
}
void SinusoidalPosition::to(torch::Device device, bool non_blocking) {
  Position::to(device, non_blocking);
  table = table.to(device);
}

}  // namespace zoo
