// Frames over a pipe: eight bytes of length, then the pickled value. Reading takes a time limit.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>

#include "notebooks-cpp/exercises/grader/shim.h"

namespace exercises {

using Clock = std::chrono::steady_clock;

std::vector<char> make_frame(const Value& value);

/// Throws std::runtime_error where the other end is gone.
void write_frame(int descriptor, const Value& value);

enum class Arrival { kFrame, kEnd, kTimeout };

/// Collects a frame piece by piece; a frame beyond `most_bytes` counts as the pipe's end.
class FrameReader {
 public:
  explicit FrameReader(int descriptor, uint64_t most_bytes = uint64_t{1} << 28)
      : descriptor_(descriptor), most_bytes_(most_bytes) {}
  /// Reads what is there without waiting. Empty: more has to come.
  std::optional<Arrival> read_some();
  /// The frame that arrived, taken out.
  Value take();

 private:
  int descriptor_ = -1;
  uint64_t most_bytes_ = 0;
  std::vector<char> bytes_ = {};
};

}  // namespace exercises
