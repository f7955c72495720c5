// 12: byte-pair encoding on numbers: one merge, training, encoding.
#include <algorithm>
#include <map>

#include "notebooks-cpp/exercises/12_byte_pair_merges/byte_pair_merges.h"
#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_12 {
namespace {

Pieces merged(const Pieces& pieces, const Merge& merge, int64_t made, const Faults& faults) {
  Pieces out;
  if (faults["from-the-right"]) {
    for (size_t i = pieces.size(); i > 0; --i) {
      const bool here = i > 1 && Merge(pieces[i - 2], pieces[i - 1]) == merge;
      out.insert(out.begin(), here ? made : pieces[i - 1]);
      if (here) --i;
    }
    return out;
  }
  bool done = false;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const bool here = !done && i + 1 < pieces.size() && Merge(pieces[i], pieces[i + 1]) == merge;
    out.push_back(here ? made : pieces[i]);
    if (here && !faults["right-part-stays"]) ++i;
    done = done || (here && faults["first-only"]);
  }
  return out;
}

/// The pair to merge next, by the rules or against them.
Merge choose(const std::map<Merge, int64_t>& pairs, const std::vector<Merge>& first_seen,
             const Faults& faults) {
  Merge best = pairs.begin()->first;
  int64_t most = 0;
  if (faults["tie-to-first-seen"]) {
    for (const Merge& pair : first_seen)
      if (pairs.at(pair) > most) most = pairs.at(pair), best = pair;
    return best;
  }
  for (const auto& [pair, count] : pairs)
    if (count > most || (count == most && faults["tie-to-last"])) most = count, best = pair;
  return best;
}

std::vector<Merge> trained(std::vector<Pieces> words, const std::vector<int64_t>& counts,
                           int64_t alphabet_size, int64_t wanted, const Faults& faults) {
  std::vector<Merge> merges;
  while (static_cast<int64_t>(merges.size()) < wanted) {
    std::map<Merge, int64_t> pairs;
    std::vector<Merge> first_seen;
    for (size_t w = 0; w < words.size(); ++w) {
      std::vector<Merge> here;
      for (size_t i = 0; i + 1 < words[w].size(); ++i) {
        const Merge pair{words[w][i], words[w][i + 1]};
        if (faults["once-per-word"] && std::count(here.begin(), here.end(), pair) > 0) continue;
        if (faults["never-counted-again"] && std::count(merges.begin(), merges.end(), pair) > 0)
          continue;
        here.push_back(pair);
        if (pairs.count(pair) == 0) first_seen.push_back(pair);
        pairs[pair] += faults["words-count-once"] ? 1 : counts[w];
      }
    }
    if (pairs.empty()) break;
    merges.push_back(choose(pairs, first_seen, faults));
    if (faults["stops-at-one"] && pairs.at(merges.back()) < 2) {
      merges.pop_back();
      break;
    }
    const int64_t made = alphabet_size + static_cast<int64_t>(merges.size()) - 1;
    if (faults["never-counted-again"]) continue;
    for (auto& word : words) word = merged(word, merges.back(), made, faults);
  }
  return merges;
}

Pieces encoded(const Pieces& word, const std::vector<Merge>& merges, int64_t alphabet_size,
               const Faults& faults) {
  const auto rank_of = [&](int64_t left, int64_t right) {
    return std::find(merges.begin(), merges.end(), Merge(left, right)) - merges.begin();
  };
  const auto none = static_cast<std::ptrdiff_t>(merges.size());
  auto pieces = word;
  if (faults["one-merge-only"]) {
    for (size_t rank = 0; rank < merges.size(); ++rank) {
      const auto made = alphabet_size + static_cast<int64_t>(rank);
      const auto next = merged(pieces, merges[rank], made, faults);
      if (next != pieces) return next;
    }
    return pieces;
  }
  if (faults["leftmost-not-earliest"] || faults["latest-first"]) {
    while (true) {
      size_t place = pieces.size();
      std::ptrdiff_t best = none;
      for (size_t i = 0; i + 1 < pieces.size(); ++i) {
        const auto rank = rank_of(pieces[i], pieces[i + 1]);
        if (rank == none) continue;
        const bool better = faults["latest-first"] ? rank > best : place == pieces.size();
        if (best == none || better) best = rank, place = i;
      }
      if (best == none) return pieces;
      pieces[place] = alphabet_size + best;
      pieces.erase(pieces.begin() + static_cast<std::ptrdiff_t>(place) + 1);
    }
  }
  for (size_t rank = 0; rank < merges.size(); ++rank)
    pieces = merged(pieces, merges[rank], alphabet_size + static_cast<int64_t>(rank), faults);
  return pieces;
}

Value reference(const Probe& probe, const Faults& faults) {
  if (probe.function == "merge_pair")
    return merged(probe.arguments.at(0).toIntVector(), probe.arguments.at(1).to<Merge>(),
                  probe.integer(2), faults);
  if (probe.function == "encode")
    return encoded(probe.arguments.at(0).toIntVector(),
                   probe.arguments.at(1).to<std::vector<Merge>>(), probe.integer(2), faults);
  return trained(probe.arguments.at(0).to<std::vector<Pieces>>(),
                 probe.arguments.at(1).toIntVector(), probe.integer(2), probe.integer(3), faults);
}

std::string answered(const Probe& probe, const Value& answer) {
  return "For " + probe.what + " you give " + describe(answer);
}

/// The first merge that is not the right one.
std::string first_wrong(const Probe& probe, const Value& answer) {
  const auto right = reference(probe, {}).to<std::vector<Merge>>();
  const auto got = answer.to<std::vector<Merge>>();
  size_t n = 0;
  while (n < right.size() && n < got.size() && right[n] == got[n]) ++n;
  const auto pair = [](const std::vector<Merge>& merges, size_t at) {
    if (at >= merges.size()) return std::string("nothing");
    return "(" + std::to_string(std::get<0>(merges[at])) + ", " +
           std::to_string(std::get<1>(merges[at])) + ")";
  };
  return "Merge " + std::to_string(n) + " is " + pair(got, n) + " and should be " + pair(right, n);
}

Pieces letters(const std::string& word, const std::string& alphabet) {
  Pieces pieces;
  for (const char c : word) pieces.push_back(static_cast<int64_t>(alphabet.find(c)));
  return pieces;
}

Probe training(const std::string& what, const std::string& alphabet,
               const std::vector<std::pair<std::string, int64_t>>& text, int64_t wanted) {
  std::vector<Pieces> words;
  std::vector<int64_t> counts;
  for (const auto& [word, count] : text) {
    words.push_back(letters(word, alphabet));
    counts.push_back(count);
  }
  return {"train_merges", what, {words, counts, static_cast<int64_t>(alphabet.size()), wanted}};
}

const std::string kAlphabet = "deilnorstw";

Probe encoding(const std::string& what, const std::string& word, const std::vector<Merge>& merges) {
  return {"encode", what, {letters(word, kAlphabet), merges, int64_t{10}}};
}

Exercise make() {
  const auto lesson = training("low 5, lower 2, newest 6, widest 3: 8 merges", kAlphabet,
                               {{"low", 5}, {"lower", 2}, {"newest", 6}, {"widest", 3}}, 8);
  const auto merges = reference(lesson, {}).to<std::vector<Merge>>();
  // In one the leftmost pair is not the earliest, in the other the latest is not.
  const std::vector<Merge> late = {{1, 2}, {0, 1}, {11, 2}, {10, 0}};
  const std::vector<Merge> middle = {{2, 3}, {0, 1}, {1, 2}};
  const Pieces again = {0, 0, 0, 0, 0};
  return {
      .name = "12_byte_pair_merges",
      .reference = reference,
      .faults = {{"from-the-right", answered},
                 {"right-part-stays", answered},
                 {"first-only", answered},
                 {"tie-to-last", first_wrong},
                 {"tie-to-first-seen", first_wrong},
                 {"words-count-once", first_wrong},
                 {"once-per-word", first_wrong},
                 {"never-counted-again", first_wrong},
                 {"stops-at-one", first_wrong},
                 {"one-merge-only", answered},
                 {"leftmost-not-earliest", answered},
                 {"latest-first", answered}},
      .checks = {
          {"12.1",
           Kind::kValues,
           2,
           "a pair becomes a piece",
           {{"merge_pair", "1 2 3 1 2, pair (1, 2)", {Pieces{1, 2, 3, 1, 2}, Merge{1, 2}, 9}},
            {"merge_pair", "2 1 1 2, pair (1, 2)", {Pieces{2, 1, 1, 2}, Merge{1, 2}, 9}}}},
          {"12.1",
           Kind::kOddSizes,
           1,
           "overlaps, one piece, none",
           {{"merge_pair", "0 0 0, pair (0, 0)", {Pieces{0, 0, 0}, Merge{0, 0}, 5}},
            {"merge_pair", "0 0 0 0 0, pair (0, 0)", {again, Merge{0, 0}, 5}},
            {"merge_pair", "one piece", {Pieces{3}, Merge{3, 3}, 5}},
            {"merge_pair", "no piece", {Pieces{}, Merge{0, 1}, 5}}}},
          {"12.2", Kind::kValues, 1, "the lesson's four words", {lesson}},
          {"12.2",
           Kind::kValues,
           1,
           "counts and ties",
           {training("zxy 2, yxz 2, xz 1: 4 merges", "xyz", {{"zxy", 2}, {"yxz", 2}, {"xz", 1}}, 4),
            training("abab 2, ba 3, cc 1: 3 merges", "abc", {{"abab", 2}, {"ba", 3}, {"cc", 1}}, 3),
            training("ac 1, bc 1, bcbc 4: 2 merges", "abc", {{"bc", 1}, {"ac", 1}, {"bcbc", 4}},
                     2)}},
          {"12.2",
           Kind::kOddSizes,
           1,
           "nothing left to merge",
           {training("ab 1, 9 merges wanted", "ab", {{"ab", 1}}, 9),
            training("words of one letter", "ab", {{"a", 3}, {"b", 2}}, 4),
            training("no word", "ab", {}, 4),
            training("aaa 2, aaaa 1", "a", {{"aaa", 2}, {"aaaa", 1}}, 5),
            training("no merge wanted", "ab", {{"ab", 2}}, 0)}},
          {"12.2",
           Kind::kSideEffects,
           1,
           "4000 words take under two seconds",
           {training("4000 words, 12 merges", kAlphabet,
                     std::vector<std::pair<std::string, int64_t>>(4000, {"newestwidestlower", 3}),
                     12)},
           0,
           2},
          {"12.3",
           Kind::kValues,
           2,
           "new words",
           {encoding("lowest", "lowest", merges),
            encoding("newer", "newer", merges),
            {"encode",
             "0 1 2 0 with merges (1, 2), (0, 1), (11, 2), (10, 0)",
             {Pieces{0, 1, 2, 0}, late, int64_t{10}}},
            {"encode",
             "0 1 2 3 with merges (2, 3), (0, 1), (1, 2)",
             {Pieces{0, 1, 2, 3}, middle, int64_t{10}}}}},
          {"12.3",
           Kind::kOddSizes,
           1,
           "no merge fits, one letter, none",
           {encoding("did", "did", merges),
            encoding("w", "w", merges),
            encoding("an empty word", "", merges),
            encoding("no merges", "low", {}),
            {"encode",
             "0 0 0 0 0 with merges (0, 0), (10, 10)",
             {again, std::vector<Merge>{{0, 0}, {10, 10}}, int64_t{10}}}}},
      }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_12
