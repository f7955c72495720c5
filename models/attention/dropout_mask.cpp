// The dropout mask of a whole score matrix: by a loop on the CPU, by tensor operations elsewhere.
#include "models/attention/dropout_mask.h"

#include <ATen/Parallel.h>

#include <algorithm>

namespace zoo {
namespace {

constexpr int64_t kLow32 = 0xFFFFFFFF;
using Words = std::array<torch::Tensor, 4>;  // int64 that hold 32 bits each

torch::Tensor low(const torch::Tensor& product) { return product.bitwise_and(kLow32); }
/// The shift copies the sign bit; the mask clears it.
torch::Tensor high(const torch::Tensor& product) {
  return product.bitwise_right_shift(32).bitwise_and_(kLow32);
}

/// philox() on tensors that broadcast. A product of two words may need all 64 bits: int64 wraps
/// around, and its bits are those of the unsigned product.
Words philox_by_tensors(uint64_t seed, Words c) {
  auto k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const auto p0 = c[0] * int64_t{0xD2511F53}, p1 = c[2] * int64_t{0xCD9E8D57};
    c = {high(p1).bitwise_xor(c[1]).bitwise_xor_(int64_t{k0}), low(p1),
         high(p0).bitwise_xor(c[3]).bitwise_xor_(int64_t{k1}), low(p0)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return c;
}

torch::Tensor dropout_mask_by_loop(double p, uint64_t seed, int64_t B, int64_t H, int64_t T,
                                   int64_t S, int64_t first_row) {
  auto keep = torch::empty({B, H, T, S}, torch::kBool);
  bool* const out = keep.data_ptr<bool>();
  const uint32_t threshold = dropout_threshold(p);
  at::parallel_for(0, B * H * T, /*grain_size=*/64, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      for (int64_t s = 0; s < S; s += 4) {
        const auto words =
            dropout_words(seed, static_cast<uint64_t>(first_row + row), static_cast<uint32_t>(s));
        for (int64_t lane = 0; lane < std::min<int64_t>(4, S - s); ++lane) {
          out[row * S + s + lane] = words[static_cast<size_t>(lane)] >= threshold;
        }
      }
    }
  });
  return keep;
}

}  // namespace

torch::Tensor detail::dropout_mask_by_tensors(double p, uint64_t seed, int64_t B, int64_t H,
                                              int64_t T, int64_t S, torch::Device device,
                                              int64_t rows, int64_t first_row) {
  // About 16 bytes of words and products a weight: a quarter of a GiB.
  constexpr int64_t kWeights = int64_t{1} << 24;
  if (rows == 0) rows = std::max<int64_t>(1, kWeights / std::max<int64_t>(1, S));
  const auto integers = torch::dtype(torch::kLong).device(device);
  const auto groups = torch::arange((S + 3) / 4, integers).unsqueeze(0);  // [1, G]
  const auto none = torch::zeros({1, 1}, integers);
  const int64_t R = B * H * T, threshold = dropout_threshold(p);
  const auto keep = torch::empty({R, S}, integers.dtype(torch::kBool));
  for (int64_t begin = 0; begin < R; begin += rows) {
    const int64_t end = std::min(R, begin + rows);
    const auto row =
        torch::arange(first_row + begin, first_row + end, integers).unsqueeze(1);  // [R', 1]
    const auto words =
        philox_by_tensors(seed, {groups, low(row), high(row), none});               // [R', G] each
    const auto lanes = torch::stack({words[0], words[1], words[2], words[3]}, -1);  // [R', G, 4]
    keep.slice(0, begin, end).copy_(lanes.flatten(1).narrow(1, 0, S).ge(threshold));
  }
  return keep.view({B, H, T, S});
}

torch::Tensor dropout_mask(double p, uint64_t seed, int64_t B, int64_t H, int64_t T, int64_t S,
                           torch::Device device, int64_t first_row) {
  return device.is_cpu()
             ? dropout_mask_by_loop(p, seed, B, H, T, S, first_row)
             : detail::dropout_mask_by_tensors(p, seed, B, H, T, S, device, 0, first_row);
}

}  // namespace zoo
