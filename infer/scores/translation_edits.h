// The edits of TER (Snover et al. 2006, §3): the least number is NP-complete because of the moves,
// so moves are chosen greedily, each the one that brings the edit distance down most.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace zoo {

/// Moves of a run of words, plus the words to insert, delete or replace after them.
int64_t count_translation_edits(const std::vector<std::u32string>& hypothesis,
                                const std::vector<std::u32string>& reference);

}  // namespace zoo
