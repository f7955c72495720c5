// Philox-4x32-10, a counter-based random generator (Salmon et al. 2011, "Parallel random numbers:
// as easy as 1, 2, 3"), and its words that decide which attention weights are dropped.
#pragma once
#include <array>
#include <cstdint>

#include "models/attention/device_code.h"

namespace zoo {

/// Four random words for counter (c0, c1, c2, c3) under the key `seed`.
ZOO_DEVICE inline std::array<uint32_t, 4> philox(uint64_t seed, std::array<uint32_t, 4> c) {
  auto k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * c[0], p1 = uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<uint32_t>(p0)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return c;
}

/// Random words of weights 4 * (s / 4) .. + 3 of row (b * H + h) * T + t. A weight is kept where
/// its word is at least dropout_threshold(p).
ZOO_DEVICE inline std::array<uint32_t, 4> dropout_words(uint64_t seed, uint64_t row, uint32_t s) {
  return philox(seed, {s / 4, static_cast<uint32_t>(row), static_cast<uint32_t>(row >> 32), 0});
}
ZOO_DEVICE inline uint32_t dropout_threshold(double p) {
  return p >= 1.0 ? UINT32_MAX : static_cast<uint32_t>(p * 4294967296.0);
}

}  // namespace zoo
