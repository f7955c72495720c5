// Sizes that no machine's memory bounds, because no tensor is as long: windows, blocks, chunks.
#pragma once
#include <fmt/format.h>

#include <cstdint>
#include <string_view>

#include "base/option_checks.h"

namespace zoo {

/// From `least` to `most`. 2^40: sums and small multiples stay far from the largest integer.
inline void require_count(std::string_view option, int64_t value, int64_t least,
                          int64_t most = int64_t{1} << 40) {
  require_at_least(option, value, least);
  require_option(value <= most, option, value, fmt::format("at most {}", most));
}

}  // namespace zoo
