// The memory that the rows of a decoding need, computed before any of them is allocated.
#pragma once
#include <cstdint>

namespace zoo {

/// Throws std::runtime_error, one line, if the beams (or without beams the samples) of `prompts`
/// prompts need more memory than the machine has. row_bytes: the state of one row, and its scores.
void check_row_memory(double row_bytes, int64_t beams, int64_t samples, int64_t prompts);

}  // namespace zoo
