// Grapheme clusters: what readers take for one character (UAX #29, extended clusters), as the
// `tokenizers` package finds them.
#pragma once
#include <cstddef>
#include <string_view>

namespace zoo {

/// Bytes of the cluster that `text` (not empty, at the start of a cluster) begins with. A byte that
/// is not UTF-8 is a cluster by itself. Pairs of regional indicators (flags) count as two clusters:
/// the package's rules cannot tell.
size_t first_grapheme(std::string_view text);

}  // namespace zoo
