// Random numbers that are the same everywhere for the same seed: the standard library's
// distributions differ.
#pragma once
#include <random>

namespace zoo {

/// In [0, 1): 53 random bits.
inline double uniform(std::mt19937_64& random) {
  return static_cast<double>(random() >> 11) * 0x1p-53;
}

}  // namespace zoo
