// Random numbers that depend on where they are used (seed, epoch, index) and not on the order of
// computation.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <random>
#include <utility>
#include <vector>

#include "base/random.h"

namespace zoo {

inline std::mt19937_64 generator_for(std::initializer_list<uint64_t> position) {
  std::vector<uint32_t> words;
  for (const uint64_t part : position) {
    words.push_back(static_cast<uint32_t>(part));
    words.push_back(static_cast<uint32_t>(part >> 32));
  }
  std::seed_seq seeds(words.begin(), words.end());
  return std::mt19937_64(seeds);
}

/// Fisher and Yates's, because std::shuffle differs between standard libraries.
template <class T>
void shuffle(std::vector<T>& values, std::mt19937_64& random) {
  for (size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[random() % i]);
}

}  // namespace zoo
