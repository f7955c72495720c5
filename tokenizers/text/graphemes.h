// Grapheme clusters, which readers see as one character (UAX #29, extended clusters), as found by
// the `tokenizers` package.
#pragma once
#include <cstddef>
#include <string_view>

namespace zoo {

/// Size in bytes of the first cluster of `text`, which must not be empty and must start at a
/// cluster boundary. An invalid byte is a cluster by itself. A pair of regional indicators (a flag)
/// counts as two clusters, because the package's rules cannot recognise pairs.
size_t first_grapheme(std::string_view text);

}  // namespace zoo
