// Exercise 12: byte-pair merges. What to write: README.md beside this file. Grade it: scripts/grade.sh 12
#include "notebooks-cpp/exercises/12_byte_pair_merges/byte_pair_merges.h"

// Every occurrence of the pair becomes the piece `made`, from left to right
Pieces merge_pair(const Pieces& pieces, const Merge& merge, int64_t made) {
  // TODO 12.1 (3 marks)
  throw NotDone("12.1");
}

// Words of the text and how often each occurs -> at most `wanted` merges, in order
std::vector<Merge> train_merges(const std::vector<Pieces>& words,
                                const std::vector<int64_t>& counts, int64_t alphabet_size,
                                int64_t wanted) {
  // TODO 12.2 (4 marks)
  throw NotDone("12.2");
}

// A word's letters -> its pieces: of the merges that fit, always the earliest
Pieces encode(const Pieces& word, const std::vector<Merge>& merges, int64_t alphabet_size) {
  // TODO 12.3 (3 marks)
  throw NotDone("12.3");
}
