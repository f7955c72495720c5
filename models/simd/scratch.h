// Memory of one thread, kept between tasks.
#pragma once
#include <cstdint>
#include <vector>

namespace zoo {

/// `size` floats that begin a cache line. What was there before is gone, or not.
inline float* scratch(int64_t size) {
  thread_local std::vector<float> memory;
  const auto wanted = static_cast<size_t>(size) + 16;
  if (memory.size() < wanted) memory.resize(wanted);
  const auto address = reinterpret_cast<uintptr_t>(memory.data());
  return memory.data() + (64 - address % 64) % 64 / sizeof(float);
}

}  // namespace zoo
