#pragma once
#include "notebooks-cpp/exercises/grader/student.h"

/// A word, cut into pieces: their numbers. 0 .. alphabet_size - 1 are the letters.
using Pieces = std::vector<int64_t>;
/// Left and right. Merge number n of a list makes the piece alphabet_size + n.
using Merge = std::tuple<int64_t, int64_t>;

Pieces merge_pair(const Pieces& pieces, const Merge& merge, int64_t made);
std::vector<Merge> train_merges(const std::vector<Pieces>& words,
                                const std::vector<int64_t>& counts, int64_t alphabet_size,
                                int64_t wanted);
Pieces encode(const Pieces& word, const std::vector<Merge>& merges, int64_t alphabet_size);
