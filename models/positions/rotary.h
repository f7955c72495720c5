// Rotary positions (RoPE): Su et al. 2021 (arXiv:2104.09864), §3.2.2. Queries and keys are rotated
// by an angle that grows with their position, so their dot product depends only on the distance.
//
// Differs from the paper: coordinate i is paired with i + Dh/2 instead of its neighbour, as in
// Llama's checkpoints in Hugging Face's layout. The two forms are equal up to a permutation of the
// head's coordinates.
#pragma once
#include "models/positions/position.h"

namespace zoo {

/// How angles are scaled so that a trained model can read texts longer than those it was trained
/// on.
enum class RotaryScaling { kNone, kLinear, kLlama3 };
template <>
struct EnumNames<RotaryScaling> {
  static constexpr std::string_view what = "rotary scaling";
  static constexpr std::pair<RotaryScaling, std::string_view> values[] = {
      {RotaryScaling::kNone, "none"},
      {RotaryScaling::kLinear, "linear"},
      {RotaryScaling::kLlama3, "llama3"}};
};

struct RotaryOptions {
  double base = 10000.0;  ///< theta: wavelengths range from 2 pi to 2 pi base
  RotaryScaling scaling = RotaryScaling::kNone;
  double factor = 1.0;  ///< linear: divides positions; llama3: stretches long wavelengths
  double low_frequency =
      1.0;  ///< llama3: wavelengths above original_context / low_frequency are scaled
  double high_frequency =
      4.0;  ///< llama3: wavelengths below original_context / high_frequency are kept
  int64_t original_context = 0;  ///< llama3: context length of the original training
};

/// Angle per step of each coordinate pair: [Dh / 2], float32.
torch::Tensor rotary_frequencies(int64_t head_width, const RotaryOptions& options);

class RotaryPosition : public Position {
 public:
  /// head_width must be even.
  explicit RotaryPosition(int64_t head_width, const RotaryOptions& options = {});
  Rotation rotation(const torch::Tensor& positions) const override;

 private:
  torch::Tensor frequencies_;  // [Dh / 2]
};

}  // namespace zoo
