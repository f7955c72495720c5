// Another way: erases in place, looks for the best pair by hand, and encodes by the lowest rank.
#include "notebooks-cpp/exercises/12_byte_pair_merges/byte_pair_merges.h"

Pieces merge_pair(const Pieces& pieces, const Merge& merge, int64_t made) {
  Pieces out = pieces;
  for (size_t i = 0; i + 1 < out.size(); ++i) {
    if (out[i] != std::get<0>(merge) || out[i + 1] != std::get<1>(merge)) continue;
    out[i] = made;
    out.erase(out.begin() + static_cast<std::ptrdiff_t>(i) + 1);
  }
  return out;
}

std::vector<Merge> train_merges(const std::vector<Pieces>& words,
                                const std::vector<int64_t>& counts, int64_t alphabet_size,
                                int64_t wanted) {
  std::vector<Pieces> now(words);
  std::vector<Merge> merges;
  for (int64_t step = 0; step < wanted; ++step) {
    std::map<int64_t, std::map<int64_t, int64_t>> table;
    for (size_t w = 0; w < now.size(); ++w)
      for (size_t i = 1; i < now[w].size(); ++i) table[now[w][i - 1]][now[w][i]] += counts[w];
    int64_t most = 0;
    Merge best{-1, -1};
    for (const auto& [left, row] : table)
      for (const auto& [right, count] : row)
        if (count > most) {
          most = count;
          best = {left, right};
        }
    if (most == 0) return merges;
    merges.push_back(best);
    for (size_t w = 0; w < now.size(); ++w) now[w] = merge_pair(now[w], best, alphabet_size + step);
  }
  return merges;
}

Pieces encode(const Pieces& word, const std::vector<Merge>& merges, int64_t alphabet_size) {
  Pieces out = word;
  while (out.size() > 1) {
    size_t best = merges.size(), place = 0;
    for (size_t i = 0; i + 1 < out.size(); ++i)
      for (size_t rank = 0; rank < best; ++rank)
        if (merges[rank] == Merge(out[i], out[i + 1])) {
          best = rank;
          place = i;
        }
    if (best == merges.size()) break;
    out[place] = alphabet_size + static_cast<int64_t>(best);
    out.erase(out.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
  return out;
}
