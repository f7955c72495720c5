// The edits of TER (Snover et al. 2006, §3). With moves the minimum is NP-complete, and so moves
// are chosen greedily: each time the one that reduces the edit distance most.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace zoo {

/// The number of moves, plus the words to insert, delete or replace after them.
int64_t count_translation_edits(const std::vector<std::u32string>& hypothesis,
                                const std::vector<std::u32string>& reference);

}  // namespace zoo
