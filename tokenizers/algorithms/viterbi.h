// The most probable split of a text into pieces: the Viterbi algorithm over the positions between
// characters, as in Kudo 2018 (arXiv:1804.10959), section 3. The best split of the first n bytes is
// the best split of fewer bytes plus one piece.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizers/algorithms/piece_finder.h"
#include "tokenizers/text/utf8.h"

namespace zoo {

/// The piece for a character that is not a piece.
struct UnknownPiece {
  int32_t id = -1;
  double score = 0;
};

/// Calls piece(end, size, id, score) for every piece that can be part of a split, and `ended(end)`
/// after all pieces that end at a position between characters: the longest first, the unknown piece
/// last. score_of(id, size) returns a double. Takes linear time in the text and in the pieces
/// found.
template <class ScoreOf, class Piece, class Ended>
void for_each_piece(std::string_view text, const PieceFinder& finder, const UnknownPiece& unknown,
                    const ScoreOf& score_of, const Piece& piece, const Ended& ended) {
  PieceFinder::State state = PieceFinder::kStart;
  for (size_t begin = 0, end = 0; begin < text.size(); begin = end) {
    const size_t size = utf8::first(text.substr(begin)).size;
    for (; end < begin + size; ++end) {
      state = finder.step(state, static_cast<unsigned char>(text[end]));
    }
    bool character_is_piece = false;
    finder.for_each_ending(state, [&](int32_t id, size_t length) {
      piece(end, length, id, score_of(id, length));
      character_is_piece |= length == size;
    });
    if (!character_is_piece) piece(end, size, unknown.id, unknown.score);
    ended(end);
  }
}

/// Sums of scores in the precision of Sum. 32-bit sums lose their last digits as they grow, so past
/// 100000 they restart from 0, as in SentencePiece.
template <class Sum>
class ViterbiSums {
 public:
  /// The sum stored as `score` at `begin`, plus `more`, made comparable with current sums.
  Sum after(size_t begin, Sum score, double more) const {
    Sum sum = score + static_cast<Sum>(more);
    if (begin >= last_) return sum;
    for (const auto& [place, offset] : restarts_) sum -= begin < place ? offset : Sum{0};
    return sum;
  }
  Sum keep(size_t place, Sum score) {
    if (sizeof(Sum) > sizeof(float) || std::fabs(score) <= Sum{100000}) return score;
    restarts_.emplace_back(last_ = place, score);
    return 0;
  }

 private:
  size_t last_ = 0;
  std::vector<std::pair<size_t, Sum>> restarts_;
};

/// Calls piece(begin, end, id) for the pieces of the split with the largest sum of scores, the last
/// piece first. Among equal sums the first one found wins, which is the one with the longest last
/// piece. Sum is the type of the sums; it decides between nearly equal splits. Returns whether the
/// best split of any prefix of the text ends in the unknown piece.
template <class Sum, class ScoreOf, class Piece>
bool viterbi(std::string_view text, const PieceFinder& finder, const UnknownPiece& unknown,
             const ScoreOf& score_of, const Piece& piece) {
  struct Place {
    Sum score = 0;
    uint32_t size = 0;  // of the last piece; 0: none yet
    int32_t id = -1;
  };
  constexpr size_t kKept = 1 << 16;
  thread_local std::vector<Place> kept;
  std::vector<Place>& places = kept;  // by the byte at which a piece ends
  places.resize(text.size() + 1);
  places[0] = {};
  ViterbiSums<Sum> sums;
  Place best;
  bool unknown_ends = false;
  for_each_piece(
      text, finder, unknown, score_of,
      [&](size_t end, size_t size, int32_t id, double score) {
        const Sum sum = sums.after(end - size, places[end - size].score, score);
        if (best.size == 0 || sum > best.score) best = {sum, static_cast<uint32_t>(size), id};
      },
      [&](size_t end) {
        best.score = sums.keep(end, best.score);
        places[end] = best;
        unknown_ends |= best.id == unknown.id;
        best.size = 0;
      });
  for (size_t end = text.size(); end > 0; end -= places[end].size) {
    piece(end - places[end].size, end, places[end].id);
  }
  if (places.capacity() > kKept) std::vector<Place>().swap(places);
  return unknown_ends;
}

}  // namespace zoo
