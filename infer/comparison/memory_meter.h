// How much memory a piece of code holds at once.
#pragma once
#include <cstdint>
#include <memory>

namespace zoo {

/// Counts tensors on the CPU and everything from operator new, of all threads, while it lives; one
/// at a time. What was there before does not count.
class MemoryMeter {
 public:
  MemoryMeter();
  ~MemoryMeter();
  MemoryMeter(const MemoryMeter&) = delete;
  MemoryMeter& operator=(const MemoryMeter&) = delete;

  /// The most bytes held at once so far.
  int64_t peak() const;
};

}  // namespace zoo
