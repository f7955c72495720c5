// How much memory there is, to say beforehand what would not fit.
#pragma once
#include <string_view>

namespace zoo {

/// Bytes that this process may have at most: those of the machine, or fewer where a container or a
/// limit of the shell (ulimit -v) says so. Infinity where nothing can be found out.
double memory_limit();

/// Throws std::invalid_argument, "the model needs at least 17.6 TB of memory, but 25.2 GB is all
/// there is; WHAT_TO_DO", where `bytes` are more than memory_limit(). A double, so that no product
/// of sizes overflows.
void require_memory(double bytes, std::string_view what, std::string_view what_to_do);

}  // namespace zoo
