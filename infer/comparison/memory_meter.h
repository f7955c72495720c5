// The peak memory of a piece of code.
#pragma once
#include <c10/core/Device.h>

#include <cstdint>

namespace zoo {

/// Measures memory allocated during its lifetime: on the CPU, tensors and all memory from operator
/// new, in all threads; on another device, the tensors there. Only one may exist at a time.
class MemoryMeter {
 public:
  explicit MemoryMeter(c10::Device device = c10::DeviceType::CPU);
  ~MemoryMeter();
  MemoryMeter(const MemoryMeter&) = delete;
  MemoryMeter& operator=(const MemoryMeter&) = delete;

  /// The largest number of bytes in use so far.
  int64_t peak() const;

 private:
  c10::Device device_;
  int64_t before_ = 0;  ///< bytes on a device that is not the CPU
};

}  // namespace zoo
