#include "infer/scores/translation_edits.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <tuple>
#include <unordered_map>

#include "infer/scores/edit_distance.h"

namespace zoo {
namespace {

// Tercom's limits, and one on how many moves of one text are tried.
constexpr int64_t kLongestRun = 10, kFarthestMove = 50, kMostTries = 1000;

/// What the edits say of each word. `place[r]`: the word of the hypothesis that stands where word r
/// of the reference belongs, or the last before it (-1: none).
struct Alignment {
  std::vector<int64_t> place;
  std::vector<bool> reference_wrong, hypothesis_wrong;
};

Alignment align(const std::vector<Edit>& edits) {
  Alignment a;
  int64_t last = -1;
  for (const Edit edit : edits) {
    const bool wrong = edit != Edit::kKeep;
    if (edit != Edit::kInsert) {
      ++last;
      a.hypothesis_wrong.push_back(wrong);
    }
    if (edit != Edit::kDelete) {
      a.place.push_back(last);
      a.reference_wrong.push_back(wrong);
    }
  }
  return a;
}

bool any(const std::vector<bool>& wrong, int64_t begin, int64_t length) {
  const auto first = wrong.begin() + begin;
  return std::find(first, first + length, true) != first + length;
}

/// A run of words that stands in both texts.
struct Run {
  int64_t hypothesis, reference, length;
};

/// Calls `take` for every run, shorter ones first where they begin at one place, until it says no.
template <class Take>
void for_each_run(const WordIds& hypothesis, const WordIds& reference, Take take) {
  const auto n = std::ssize(hypothesis), m = std::ssize(reference);
  for (int64_t h = 0; h < n; ++h) {
    for (int64_t r = std::max<int64_t>(0, h - kFarthestMove);
         r < std::min(m, h + kFarthestMove + 1); ++r) {
      for (int64_t k = 0; k < kLongestRun && h + k < n && r + k < m; ++k) {
        if (hypothesis[static_cast<size_t>(h + k)] != reference[static_cast<size_t>(r + k)]) break;
        if (!take(Run{h, r, k + 1})) return;
      }
    }
  }
}

/// The words with `length` of them from `begin` on put before word `target`; a target inside the
/// run counts words behind it.
WordIds moved(const WordIds& words, int64_t begin, int64_t length, int64_t target) {
  WordIds rest = words;
  rest.erase(rest.begin() + begin, rest.begin() + begin + length);
  const int64_t at = target < begin ? target : target > begin + length ? target - length : target;
  const auto from = words.begin() + begin;
  rest.insert(rest.begin() + std::min(at, std::ssize(rest)), from, from + length);
  return rest;
}

/// Moves are ranked as Tercom ranks them: by what they gain, then the longest run, then the first
/// in the hypothesis, then the first target.
struct Move {
  int64_t gain, length, begin, target;
  auto rank() const { return std::tuple(gain, length, -begin, -target); }
};

class MoveSearch {
 public:
  MoveSearch(EditDistance& distance, WordIds words, const WordIds& reference)
      : distance_(distance), reference_(reference), words_(std::move(words)) {}

  /// Moves runs as long as that helps; returns how many times.
  int64_t run() {
    int64_t moves = 0;
    while (const auto move = best_move()) {
      if (tries_ >= kMostTries || move->gain <= 0) break;
      words_ = moved(words_, move->begin, move->length, move->target);
      ++moves;
    }
    return moves;
  }
  const WordIds& words() const { return words_; }

 private:
  std::optional<Move> best_move() {
    before_ = distance_(words_);
    alignment_ = align(distance_.edits());
    best_.reset();
    for_each_run(words_, reference_, [&](const Run& run) {
      if (is_worth_moving(run)) try_targets(run);
      return tries_ < kMostTries;
    });
    return best_;
  }

  /// Both where the run stands and where it belongs something must be wrong, and it must not stand
  /// there already.
  bool is_worth_moving(const Run& run) const {
    const int64_t place = alignment_.place[static_cast<size_t>(run.reference)];
    return any(alignment_.hypothesis_wrong, run.hypothesis, run.length) &&
           any(alignment_.reference_wrong, run.reference, run.length) &&
           !(run.hypothesis <= place && place < run.hypothesis + run.length);
  }

  /// Behind the word before its place, and behind each word of the place but the last.
  void try_targets(const Run& run) {
    int64_t last = -1;
    for (int64_t offset = -1; offset < run.length; ++offset) {
      const int64_t r = run.reference + offset;
      const int64_t target = r == -1 ? 0 : alignment_.place[static_cast<size_t>(r)] + 1;
      if (target == last) continue;
      last = target;
      const WordIds words = moved(words_, run.hypothesis, run.length, target);
      const Move move{before_ - distance_(words), run.length, run.hypothesis, target};
      if (!best_ || move.rank() > best_->rank()) best_ = move;
      ++tries_;
    }
  }

  EditDistance& distance_;
  const WordIds& reference_;
  WordIds words_;
  Alignment alignment_;
  std::optional<Move> best_;
  int64_t before_ = 0, tries_ = 0;
};

}  // namespace

int64_t count_translation_edits(const std::vector<std::u32string>& hypothesis,
                                const std::vector<std::u32string>& reference) {
  if (reference.empty()) return std::ssize(hypothesis);
  std::unordered_map<std::u32string, int32_t> known;
  const auto ids_of = [&](const std::vector<std::u32string>& words) {
    WordIds ids;
    for (const auto& word : words) {
      ids.push_back(known.try_emplace(word, static_cast<int32_t>(known.size())).first->second);
    }
    return ids;
  };
  const WordIds wanted = ids_of(reference);
  EditDistance distance(wanted);
  MoveSearch search(distance, ids_of(hypothesis), wanted);
  const int64_t moves = search.run();
  return moves + distance(search.words());
}

}  // namespace zoo
