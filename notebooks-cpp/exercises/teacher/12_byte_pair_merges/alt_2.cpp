// Another way: recursion from the left, and a sorted list of all pairs.
#include "notebooks-cpp/exercises/12_byte_pair_merges/byte_pair_merges.h"

static void put(Pieces::const_iterator at, Pieces::const_iterator end, const Merge& merge,
                int64_t made, Pieces& out) {
  if (at == end) return;
  if (end - at > 1 && *at == std::get<0>(merge) && *(at + 1) == std::get<1>(merge)) {
    out.push_back(made);
    return put(at + 2, end, merge, made, out);
  }
  out.push_back(*at);
  put(at + 1, end, merge, made, out);
}

Pieces merge_pair(const Pieces& pieces, const Merge& merge, int64_t made) {
  Pieces out;
  put(pieces.begin(), pieces.end(), merge, made, out);
  return out;
}

std::vector<Merge> train_merges(const std::vector<Pieces>& words,
                                const std::vector<int64_t>& counts, int64_t alphabet_size,
                                int64_t wanted) {
  if (wanted == 0) return {};
  std::vector<std::tuple<int64_t, int64_t, int64_t>> ranked;  // minus the count, left, right
  for (size_t w = 0; w < words.size(); ++w)
    for (size_t i = 0; i + 1 < words[w].size(); ++i) {
      const auto known = std::find_if(ranked.begin(), ranked.end(), [&](const auto& row) {
        return std::get<1>(row) == words[w][i] && std::get<2>(row) == words[w][i + 1];
      });
      if (known == ranked.end()) {
        ranked.emplace_back(-counts[w], words[w][i], words[w][i + 1]);
      } else {
        std::get<0>(*known) -= counts[w];
      }
    }
  if (ranked.empty()) return {};
  std::sort(ranked.begin(), ranked.end());
  const Merge best{std::get<1>(ranked[0]), std::get<2>(ranked[0])};
  std::vector<Pieces> next;
  for (const auto& word : words) next.push_back(merge_pair(word, best, alphabet_size));
  auto merges = train_merges(next, counts, alphabet_size + 1, wanted - 1);
  merges.insert(merges.begin(), best);
  return merges;
}

Pieces encode(const Pieces& word, const std::vector<Merge>& merges, int64_t alphabet_size) {
  if (merges.empty()) return word;
  const auto once = merge_pair(word, merges.front(), alphabet_size);
  return encode(once, {merges.begin() + 1, merges.end()}, alphabet_size + 1);
}
