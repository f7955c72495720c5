#include "models/attention/dropout_mask.h"

#include <ATen/Parallel.h>

#include <algorithm>

namespace zoo {

torch::Tensor dropout_mask(double p, uint64_t seed, int64_t B, int64_t H, int64_t T, int64_t S,
                           torch::Device device) {
  auto keep = torch::empty({B, H, T, S}, torch::kBool);
  bool* const out = keep.data_ptr<bool>();
  const uint32_t threshold = dropout_threshold(p);
  at::parallel_for(0, B * H * T, /*grain_size=*/64, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      for (int64_t s = 0; s < S; s += 4) {
        const auto words =
            dropout_words(seed, static_cast<uint64_t>(row), static_cast<uint32_t>(s));
        for (int64_t lane = 0; lane < std::min<int64_t>(4, S - s); ++lane) {
          out[row * S + s + lane] = words[static_cast<size_t>(lane)] >= threshold;
        }
      }
    }
  });
  return keep.to(device);
}

}  // namespace zoo
