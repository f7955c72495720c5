// Exercise 12: byte-pair merges. What to write: README.md beside this file. Grade it: scripts/grade.sh 12
#include "notebooks-cpp/exercises/12_byte_pair_merges/byte_pair_merges.h"

// Every occurrence of the pair becomes the piece `made`, from left to right
Pieces merge_pair(const Pieces& pieces, const Merge& merge, int64_t made) {
  // BEGIN SOLUTION 12.1 (3)
  Pieces merged;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const bool here = i + 1 < pieces.size() && Merge(pieces[i], pieces[i + 1]) == merge;
    merged.push_back(here ? made : pieces[i]);
    if (here) ++i;  // both are used up
  }
  return merged;
  // END SOLUTION
}

// Words of the text and how often each occurs -> at most `wanted` merges, in order
std::vector<Merge> train_merges(const std::vector<Pieces>& words,
                                const std::vector<int64_t>& counts, int64_t alphabet_size,
                                int64_t wanted) {
  // BEGIN SOLUTION 12.2 (4)
  std::vector<Merge> merges;
  auto cut = words;
  while (static_cast<int64_t>(merges.size()) < wanted) {
    std::map<Merge, int64_t> pairs;  // in the order that decides ties
    for (size_t w = 0; w < cut.size(); ++w)
      for (size_t i = 0; i + 1 < cut[w].size(); ++i) pairs[{cut[w][i], cut[w][i + 1]}] += counts[w];
    if (pairs.empty()) break;
    const auto fewer = [](const auto& a, const auto& b) { return a.second < b.second; };
    const Merge best = std::max_element(pairs.begin(), pairs.end(), fewer)->first;
    const int64_t made = alphabet_size + static_cast<int64_t>(merges.size());
    for (auto& word : cut) word = merge_pair(word, best, made);
    merges.push_back(best);
  }
  return merges;
  // END SOLUTION
}

// A word's letters -> its pieces: of the merges that fit, always the earliest
Pieces encode(const Pieces& word, const std::vector<Merge>& merges, int64_t alphabet_size) {
  // BEGIN SOLUTION 12.3 (3)
  auto pieces = word;
  // A merge makes pieces that only later merges use, so one round is enough.
  for (size_t rank = 0; rank < merges.size(); ++rank)
    pieces = merge_pair(pieces, merges[rank], alphabet_size + static_cast<int64_t>(rank));
  return pieces;
  // END SOLUTION
}
