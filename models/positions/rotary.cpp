// Frequencies, their scaling, and the angles of a sequence.
#include "models/positions/rotary.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace zoo {
namespace {

// Everything in float32 and in the order of operations in which the checkpoints were trained.

/// base^(-2i / width) for i = 0 .. width / 2 - 1.
torch::Tensor plain_frequencies(int64_t width, double base) {
  const auto pairs = torch::arange(0, width, 2, torch::kLong).to(torch::kFloat);  // 2i
  return torch::pow(base, pairs / width).reciprocal();
}

/// A base with which the slowest pair turns `factor` times as slowly, and the fastest as fast as
/// before.
double ntk_base(double base, double factor, int64_t width) {
  const auto n = static_cast<double>(width);
  return width > 2 ? base * std::pow(factor, n / (n - 2)) : base;
}

/// 0 for pairs that are to be interpolated in full, 1 for those left alone, and between in between.
torch::Tensor interpolated(const torch::Tensor& frequencies, const torch::Tensor& kept,
                           double factor) {
  return (1 - kept) * frequencies / factor + kept * frequencies;
}

/// Llama 3.1: by the number of turns within the original context.
torch::Tensor llama3_frequencies(const torch::Tensor& frequencies, const RotaryOptions& o,
                                 double low, double high) {
  const auto turns =
      frequencies * (static_cast<double>(o.original_context) / (2 * std::numbers::pi));
  return interpolated(frequencies, ((turns - low) / (high - low)).clamp(0.0, 1.0), o.factor);
}

/// YaRN, §3.2: the same idea, with a ramp over the pairs' numbers instead of their turns.
torch::Tensor yarn_frequencies(const torch::Tensor& frequencies, const RotaryOptions& o, double low,
                               double high, int64_t width) {
  // The pair that makes this many turns within the original context, as a number with a fraction.
  const auto pair_of = [&](double turns) {
    const double wavelength =
        static_cast<double>(o.original_context) / (turns * 2 * std::numbers::pi);
    return static_cast<double>(width) * std::log(wavelength) / (2 * std::log(o.base));
  };
  double first = pair_of(high), last = pair_of(low);
  if (o.whole_pairs) first = std::floor(first), last = std::ceil(last);
  first = std::max(first, 0.0);
  last = std::min(last, static_cast<double>(width - 1));
  if (first == last) last += 0.001;
  const auto numbers = torch::arange(width / 2, torch::kLong).to(torch::kFloat);
  const auto ramp = ((numbers - first) / (last - first)).clamp(0.0, 1.0);
  return interpolated(frequencies, 1 - ramp, o.factor);
}

void check_scaling(const RotaryOptions& o) {
  TORCH_CHECK(o.base > 0, "rotary positions: base must be positive, got ", o.base);
  if (o.scaling == RotaryScaling::kNone) return;
  TORCH_CHECK(o.factor > 0, "rotary positions: factor must be positive, got ", o.factor);
  if (o.scaling == RotaryScaling::kLinear || o.scaling == RotaryScaling::kNtk) return;
  TORCH_CHECK(o.original_context > 0, "rotary scaling ", name_of(o.scaling),
              ": needs original_context > 0, got ", o.original_context);
}

}  // namespace

int64_t rotary_width(int64_t head_width, const RotaryOptions& options) {
  return static_cast<int64_t>(static_cast<double>(head_width) * options.share) / 2 * 2;
}

torch::Tensor rotary_frequencies(int64_t head_width, const RotaryOptions& o, int64_t length) {
  check_scaling(o);
  TORCH_CHECK(o.share < 1.0 || (head_width > 0 && head_width % 2 == 0),
              "rotary positions: head width must be even, got ", head_width);
  const int64_t width = rotary_width(head_width, o);
  TORCH_CHECK(o.share <= 1.0 && width >= 2, "rotary positions: a share of ", o.share,
              " of a head of ", head_width, " leaves no pair to rotate");
  const double low = low_frequency_of(o), high = high_frequency_of(o);
  const auto plain = plain_frequencies(width, o.base);  // [n]
  switch (o.scaling) {
    case RotaryScaling::kNone:
      return plain;
    case RotaryScaling::kLinear:
      return plain / o.factor;
    case RotaryScaling::kNtk:
      return plain_frequencies(width, ntk_base(o.base, o.factor, width));
    case RotaryScaling::kDynamic: {
      if (length <= o.original_context) return plain;
      const double times = static_cast<double>(length) / static_cast<double>(o.original_context);
      return plain_frequencies(width, ntk_base(o.base, o.factor * times - (o.factor - 1), width));
    }
    case RotaryScaling::kYarn:
    case RotaryScaling::kLlama3:
      break;
  }
  TORCH_CHECK(high > low, "rotary scaling ", name_of(o.scaling),
              ": needs high_frequency > low_frequency, got ", high, " and ", low);
  return o.scaling == RotaryScaling::kYarn ? yarn_frequencies(plain, o, low, high, width)
                                           : llama3_frequencies(plain, o, low, high);
}

double low_frequency_of(const RotaryOptions& o) {
  return o.low_frequency > 0.0 ? o.low_frequency : 1.0;
}

double high_frequency_of(const RotaryOptions& o) {
  if (o.high_frequency > 0.0) return o.high_frequency;
  return o.scaling == RotaryScaling::kYarn ? 32.0 : 4.0;
}

double rotary_attention_factor(const RotaryOptions& o) {
  if (o.scaling != RotaryScaling::kYarn) return 1.0;
  if (o.attention_factor > 0.0) return o.attention_factor;
  return o.factor > 1.0 ? 0.1 * std::log(o.factor) + 1.0 : 1.0;
}

RotaryPosition::RotaryPosition(int64_t head_width, const RotaryOptions& options)
    : head_width_(head_width),
      options_(options),
      frequencies_(rotary_frequencies(head_width, options)) {}

bool RotaryPosition::rotation_follows_length() const {
  return options_.scaling == RotaryScaling::kDynamic;
}

torch::Tensor RotaryPosition::frequencies_of(const torch::Tensor& positions,
                                             const torch::Tensor& lengths) const {
  if (!rotation_follows_length() || positions.numel() == 0) return frequencies_;
  const auto each =
      lengths.defined() ? lengths.cpu() : std::get<0>(positions.cpu().max(-1)) + 1;  // [B or 1]
  std::vector<torch::Tensor> rows;
  for (int64_t b = 0; b < each.numel(); ++b)
    rows.push_back(rotary_frequencies(head_width_, options_, each[b].item<int64_t>()));
  return torch::stack(rows).unsqueeze(1);  // [B or 1, 1, n]
}

Rotation RotaryPosition::rotation(const torch::Tensor& positions,
                                  const torch::Tensor& lengths) const {
  TORCH_CHECK(positions.defined(), "rotary positions: the position ids of the tokens are needed");
  // Always in float32 on the CPU, so that angles are the same on every device.
  const auto angles = positions.to(torch::kFloat).cpu().unsqueeze(-1) *
                      frequencies_of(positions, lengths);  // [B or 1, T, n]
  return rotation_by(angles, positions.device(), options_.pairs, rotary_attention_factor(options_));
}

}  // namespace zoo
