// Rotary positions (RoPE): Su et al. 2021 (arXiv:2104.09864), §3.2.2. Queries and keys are rotated
// by an angle that grows with their position, so their dot product depends only on the distance.
//
// A text longer than those of training meets angles that no weight has seen. The scalings change
// the angles so that a trained model can read it: linear (position interpolation, Chen et al. 2023,
// arXiv:2306.15595), NTK-aware and dynamic NTK (Peng et al. 2023, arXiv:2309.00071, §3.1 and B.1),
// YaRN (the same, §3.2 to 3.4), and that of Llama 3.1 (Grattafiori et al. 2024, arXiv:2407.21783).
//
// With dynamic NTK the angles grow with the text. A cache holds keys unrotated (Peng et al. 2023,
// §3.5), and each step turns them anew; but what deeper layers cached of a shorter text stays, so a
// text that is generated gives other numbers than the same text read at once.
//
// Differs from the paper: by default coordinate i is paired with i + n/2 instead of its neighbour,
// as in Llama's checkpoints in Hugging Face's layout. The two forms are equal up to a permutation
// of the head's coordinates.
#pragma once
#include "models/positions/position.h"

namespace zoo {

enum class RotaryScaling { kNone, kLinear, kNtk, kDynamic, kYarn, kLlama3 };
template <>
struct EnumNames<RotaryScaling> {
  static constexpr std::string_view what = "rotary scaling";
  static constexpr std::pair<RotaryScaling, std::string_view> values[] = {
      {RotaryScaling::kNone, "none"}, {RotaryScaling::kLinear, "linear"},
      {RotaryScaling::kNtk, "ntk"},   {RotaryScaling::kDynamic, "dynamic"},
      {RotaryScaling::kYarn, "yarn"}, {RotaryScaling::kLlama3, "llama3"}};
};

struct RotaryOptions {
  double base = 10000.0;  ///< theta: wavelengths range from 2 pi to 2 pi base
  double share = 1.0;     ///< of a head's coordinates that rotate, the first ones (partial rotary)
  RotaryPairs pairs = RotaryPairs::kHalves;
  RotaryScaling scaling = RotaryScaling::kNone;
  double factor = 1.0;  ///< by how much the text is longer than those of training
  /// yarn, llama3: a coordinate pair that turns less often than this within the original context is
  /// interpolated in full; 0: 1.
  double low_frequency = 0.0;
  /// One that turns more often than this is left alone; 0: yarn 32, llama3 4.
  double high_frequency = 0.0;
  int64_t original_context = 0;   ///< dynamic, yarn, llama3: longest text of the original training
  double attention_factor = 0.0;  ///< yarn: multiplies queries and keys; 0: 0.1 ln(factor) + 1
  bool whole_pairs = true;        ///< yarn: the bounds are rounded to whole coordinate pairs
};

/// How many coordinates of a head rotate: the even number at or below share * head_width.
int64_t rotary_width(int64_t head_width, const RotaryOptions& options);

/// Angle per step of each coordinate pair: [rotary_width / 2], float32. With scaling dynamic those
/// of texts of `length` tokens; other schemes ignore it.
torch::Tensor rotary_frequencies(int64_t head_width, const RotaryOptions& options,
                                 int64_t length = 0);

/// low_frequency and high_frequency, or what their 0 stands for.
double low_frequency_of(const RotaryOptions& options);
double high_frequency_of(const RotaryOptions& options);

/// What queries and keys are multiplied by besides: 1, but for yarn.
double rotary_attention_factor(const RotaryOptions& options);

class RotaryPosition : public Position {
 public:
  /// At least two coordinates must rotate.
  explicit RotaryPosition(int64_t head_width, const RotaryOptions& options = {});
  Rotation rotation(const torch::Tensor& positions,
                    const torch::Tensor& lengths = {}) const override;
  bool rotation_follows_length() const override;

 private:
  /// [B or 1, 1, n]: of each row's length.
  torch::Tensor frequencies_of(const torch::Tensor& positions, const torch::Tensor& lengths) const;

  int64_t head_width_;
  RotaryOptions options_;
  torch::Tensor frequencies_;  // [n], of texts within the original context
};

}  // namespace zoo
