// SentencePiece's BPE: joins two neighbours if their concatenation is a piece, the best score
// first, and the leftmost among equals.
#include <algorithm>
#include <queue>
#include <stdexcept>
#include <unordered_map>

#include "base/random.h"
#include "tokenizers/algorithms/piece_finder.h"
#include "tokenizers/sentencepiece/segmenter.h"
#include "tokenizers/sentencepiece/sentencepiece_normalizer.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

using Type = SentencePieceModel::Type;
using Segment = Segmenter::Segment;

constexpr uint32_t kNone = UINT32_MAX;

/// A node of a doubly linked list of symbols; one that was joined to its left neighbour is empty.
struct Symbol {
  uint32_t begin = 0, size = 0;
  uint32_t previous = kNone, next = kNone;
  bool whole = false;  // defined by the user: never joined
};

struct Join {
  float score = 0;
  uint32_t left = 0, right = 0;
  uint32_t size = 0;  // joint size when the join was found; if it has changed, the join is stale
  bool operator<(const Join& o) const { return score != o.score ? score < o.score : left > o.left; }
};

class BpeSegmenter : public Segmenter {
 public:
  BpeSegmenter(const SentencePieceModel& model, int32_t unk_id)
      : unk_id_(unk_id), space_(model.escape_whitespaces ? kMarkedSpace : " ") {
    std::vector<std::pair<std::string_view, int32_t>> pieces, whole;
    for (size_t id = 0; id < model.pieces.size(); ++id) {
      const auto& piece = model.pieces[id];
      scores_.push_back(piece.score);
      unused_.push_back(piece.type == Type::kUnused);
      has_unused_ |= piece.type == Type::kUnused;
      const std::pair<std::string_view, int32_t> entry(piece.text, static_cast<int32_t>(id));
      if (piece.type == Type::kUserDefined) whole.push_back(entry);
      if (piece.type == Type::kUserDefined || piece.type == Type::kNormal ||
          piece.type == Type::kUnused) {
        pieces.push_back(entry);
        joins_words_ |= has_space_inside(piece.text);
      }
    }
    finder_ = PieceFinder(std::move(pieces));
    has_whole_ = !whole.empty();
    whole_ = PieceFinder(std::move(whole));
  }

  void best(std::string_view text, Segments& found) const override {
    found.clear();
    split(text, 0, nullptr, found);
  }

  Segments sample(std::string_view text, double alpha, int,
                  std::mt19937_64& random) const override {
    Segments found;
    split(text, alpha, &random, found);
    return found;
  }

  std::vector<ScoredSegments> nbest(std::string_view, size_t) const override {
    throw std::invalid_argument(
        "n best splits need a unigram model; this one is BPE, whose merges have no probabilities");
  }

 private:
  struct Work;

  bool has_space_inside(std::string_view piece) const {
    size_t at = 0;
    while (piece.substr(at).starts_with(space_)) at += space_.size();
    return piece.find(space_, at) != std::string_view::npos;
  }

  /// If no piece contains a space inside, words cannot interact, and each is split on its own.
  size_t end_of_word(std::string_view text, size_t begin) const {
    if (joins_words_ || has_unused_ || has_whole_) return text.size();
    size_t at = begin;
    while (text.substr(at).starts_with(space_)) at += space_.size();
    return std::min(text.find(space_, at), text.size());
  }

  void split(std::string_view text, double dropout, std::mt19937_64* random, Segments& found) const;
  void start(std::string_view text, size_t begin, size_t end, Work& work) const;
  void offer(std::string_view text, uint32_t left, uint32_t right, Work& work) const;
  void join(std::string_view text, const Join& best, Work& work) const;
  void emit(std::string_view text, uint32_t begin, uint32_t size, const Work& work,
            Segments& found) const;

  int32_t unk_id_;
  std::string_view space_;
  PieceFinder finder_, whole_;
  std::vector<float> scores_;
  std::vector<char> unused_;
  bool has_unused_ = false, has_whole_ = false, joins_words_ = false;
};

struct BpeSegmenter::Work {
  std::vector<Symbol> symbols;
  std::priority_queue<Join> joins;
  std::vector<Join> dropped;
  std::unordered_map<std::string_view, uint32_t> cuts;  // of unused pieces: size of the left part
};

void BpeSegmenter::split(std::string_view text, double dropout, std::mt19937_64* random,
                         Segments& found) const {
  Work work;
  for (size_t begin = 0, end = 0; begin < text.size(); begin = end) {
    end = end_of_word(text, begin);
    start(text, begin, end, work);
    while (!work.joins.empty()) {
      const Join best = work.joins.top();
      work.joins.pop();
      if (work.symbols[best.left].size == 0 || work.symbols[best.right].size == 0 ||
          work.symbols[best.left].size + work.symbols[best.right].size != best.size) {
        continue;
      }
      // BPE-dropout, Algorithm 1: at every step each possible join is skipped with this
      // probability, and the best of the others is made. (The library skips a join for good.)
      if (random && uniform(*random) < dropout) {
        work.dropped.push_back(best);
        continue;
      }
      join(text, best, work);
      for (const Join& again : work.dropped) work.joins.push(again);
      work.dropped.clear();
    }
    work.dropped.clear();
    for (uint32_t i = 0; i != kNone; i = work.symbols[i].next) {
      emit(text, work.symbols[i].begin, work.symbols[i].size, work, found);
    }
  }
}

void BpeSegmenter::start(std::string_view text, size_t begin, size_t end, Work& work) const {
  work.symbols.clear();
  work.cuts.clear();
  for (size_t at = begin; at < end;) {
    const size_t whole = has_whole_ ? whole_.longest_prefix(text.substr(at)).second : 0;
    const size_t size = whole > 0 ? whole : utf8::first(text.substr(at)).size;
    const auto place = static_cast<uint32_t>(work.symbols.size());
    work.symbols.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(size),
                            place == 0 ? kNone : place - 1, place + 1, whole > 0});
    at += size;
  }
  work.symbols.back().next = kNone;
  for (uint32_t i = 1; i < work.symbols.size(); ++i) offer(text, i - 1, i, work);
}

void BpeSegmenter::offer(std::string_view text, uint32_t left, uint32_t right, Work& work) const {
  if (left == kNone || right == kNone) return;
  const Symbol &a = work.symbols[left], &b = work.symbols[right];
  if (a.whole || b.whole) return;
  const std::string_view piece = text.substr(a.begin, a.size + b.size);
  const int32_t id = finder_.find(piece);
  if (id < 0) return;
  work.joins.push({scores_[static_cast<size_t>(id)], left, right, a.size + b.size});
  if (unused_[static_cast<size_t>(id)]) work.cuts[piece] = a.size;
}

void BpeSegmenter::join(std::string_view text, const Join& best, Work& work) const {
  Symbol &left = work.symbols[best.left], &right = work.symbols[best.right];
  left.size = best.size;
  left.next = right.next;
  right.size = 0;
  if (right.next != kNone) work.symbols[right.next].previous = best.left;
  offer(text, left.previous, best.left, work);
  offer(text, best.left, left.next, work);
}

/// Unused pieces are split again into the parts that they were joined from.
void BpeSegmenter::emit(std::string_view text, uint32_t begin, uint32_t size, const Work& work,
                        Segments& found) const {
  const std::string_view piece = text.substr(begin, size);
  const int32_t id = finder_.find(piece);
  if (id >= 0 && unused_[static_cast<size_t>(id)]) {
    if (const auto cut = work.cuts.find(piece); cut != work.cuts.end()) {
      emit(text, begin, cut->second, work, found);
      return emit(text, begin + cut->second, size - cut->second, work, found);
    }
  }
  found.push_back({begin, begin + size, id < 0 ? unk_id_ : id});
}

}  // namespace

std::unique_ptr<Segmenter> make_bpe_segmenter(const SentencePieceModel& model, int32_t unk_id) {
  return std::make_unique<BpeSegmenter>(model, unk_id);
}

}  // namespace zoo
