// Frequencies, their scaling, and the angles of a sequence.
#include "models/positions/rotary.h"

#include <c10/util/Exception.h>

#include <cmath>
#include <numbers>

namespace zoo {
namespace {

// Grattafiori et al. 2024 (Llama 3.1): long wavelengths are stretched, short ones are kept, and
// those in between are blended.
torch::Tensor llama3_scaled(const torch::Tensor& frequencies, const RotaryOptions& o) {
  const auto context = static_cast<double>(o.original_context);
  const auto turns =
      frequencies * (context / (2 * std::numbers::pi));  // turns within the original context
  const auto blend =
      ((turns - o.low_frequency) / (o.high_frequency - o.low_frequency)).clamp(0.0, 1.0);
  return (1 - blend) * frequencies / o.factor + blend * frequencies;
}

}  // namespace

torch::Tensor rotary_frequencies(int64_t head_width, const RotaryOptions& options) {
  TORCH_CHECK(head_width > 0 && head_width % 2 == 0,
              "rotary positions: head width must be even, got ", head_width);
  TORCH_CHECK(options.base > 0, "rotary positions: base must be positive, got ", options.base);
  // In float32 and in this order of operations, as Llama's checkpoints were trained.
  const auto pairs =
      torch::arange(0, head_width, 2, torch::kLong).to(torch::kFloat);  // [Dh / 2]: 2i
  const auto frequencies = torch::pow(options.base, pairs / head_width).reciprocal();
  if (options.scaling == RotaryScaling::kNone) return frequencies;
  TORCH_CHECK(options.factor > 0, "rotary positions: factor must be positive, got ",
              options.factor);
  if (options.scaling == RotaryScaling::kLinear) return frequencies / options.factor;
  TORCH_CHECK(
      options.original_context > 0 && options.high_frequency > options.low_frequency,
      "rotary scaling llama3: needs original_context > 0 and high_frequency > low_frequency, got ",
      options.original_context, ", ", options.high_frequency, " and ", options.low_frequency);
  return llama3_scaled(frequencies, options);
}

RotaryPosition::RotaryPosition(int64_t head_width, const RotaryOptions& options)
    : frequencies_(rotary_frequencies(head_width, options)) {}

Rotation RotaryPosition::rotation(const torch::Tensor& positions) const {
  TORCH_CHECK(positions.defined(), "rotary positions: the position ids of the tokens are needed");
  // Always in float32 on the CPU, so that angles are the same on every device.
  const auto angles =
      positions.to(torch::kFloat).cpu().unsqueeze(-1) * frequencies_;  // [B or 1, T, Dh / 2]
  return rotation_by(angles, positions.device());
}

}  // namespace zoo
