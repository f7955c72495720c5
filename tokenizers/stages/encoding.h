// The ids of a text, with details.
#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace zoo {

/// Ids and, if requested, one entry of each detail per id. Ids added by a template have word -1 and
/// offsets (0, 0).
struct Encoding {
  std::vector<int32_t> ids;
  std::vector<std::pair<size_t, size_t>> offsets;  ///< bytes [begin, end) of the id in its text
  std::vector<int32_t> type_ids;                   ///< segment: 0 for A, 1 for B in BERT's template
  std::vector<int32_t> words;  ///< index of the word in its text; the pieces of a word share it
};

}  // namespace zoo
