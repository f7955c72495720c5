// Sinusoidal positions: Vaswani et al. 2017 (arXiv:1706.03762), §3.5. Nothing is learned.
#pragma once
#include "models/positions/position.h"

namespace zoo {

/// The order of sines and cosines among the C channels. The paper's formula interleaves them; its
/// authors' code, Marian and Pegasus put all sines first. To a model the two are equivalent: the
/// channels of the residual stream have no order.
enum class SinusoidOrder { kInterleaved, kHalves };
template <>
struct EnumNames<SinusoidOrder> {
  static constexpr std::string_view what = "order of sinusoids";
  static constexpr std::pair<SinusoidOrder, std::string_view> values[] = {
      {SinusoidOrder::kInterleaved, "interleaved"}, {SinusoidOrder::kHalves, "halves"}};
};

/// PE(p, 2i) = sin(p / 10000^(2i / C)), PE(p, 2i + 1) = cos(...): [max_positions, C], float32.
torch::Tensor sinusoidal_table(int64_t max_positions, int64_t d_model,
                               SinusoidOrder order = SinusoidOrder::kInterleaved);

/// The same of any positions [P] int64, negative ones too: [P, C], float32, on the CPU.
torch::Tensor sinusoids_of(const torch::Tensor& positions, int64_t d_model, SinusoidOrder order);

class SinusoidalPosition : public Position {
 public:
  SinusoidalPosition(int64_t max_positions, int64_t d_model,
                     SinusoidOrder order = SinusoidOrder::kInterleaved);
  torch::Tensor embed(const torch::Tensor& x, const torch::Tensor& positions) const override;
  int64_t max_positions() const override { return table.size(0); }
  // The table moves with the model but stays float32.
  void to(torch::Device device, torch::Dtype dtype, bool non_blocking = false) override;
  void to(torch::Dtype dtype, bool non_blocking = false) override;
  void to(torch::Device device, bool non_blocking = false) override;
  torch::Tensor table;  // [max_positions, C], not trained, not saved
};

}  // namespace zoo
