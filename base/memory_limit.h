// The memory available to this process, to report in advance what would not fit.
#pragma once
#include <string_view>

namespace zoo {

/// The machine's memory in bytes, or a smaller limit of a container or of the shell (ulimit -v).
/// Infinity if unknown.
double memory_limit();

/// Throws std::invalid_argument if `bytes` exceed memory_limit(): "the model needs at least 17.6 TB
/// of memory, but 25.2 GB is all there is; WHAT_TO_DO". A double, so that products of sizes cannot
/// overflow.
void require_memory(double bytes, std::string_view what, std::string_view what_to_do);

}  // namespace zoo
