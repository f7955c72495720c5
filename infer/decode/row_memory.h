// How much memory the rows of a decoding need, computed before the first of them is made.
#pragma once
#include <cstdint>

namespace zoo {

/// Throws std::runtime_error, one line, where the beams, or without them the samples, of `prompts`
/// prompts would need more memory than the machine has. row_bytes: the state of one row, and
/// its scores.
void check_row_memory(double row_bytes, int64_t beams, int64_t samples, int64_t prompts);

}  // namespace zoo
