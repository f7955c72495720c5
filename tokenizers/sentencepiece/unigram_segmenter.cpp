// SentencePiece's unigram model, with 32-bit scores so that nearly equal splits are decided as in
// the library (version 0.2; 0.1 rounded differently).
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/random.h"
#include "tokenizers/algorithms/unigram_lattice.h"
#include "tokenizers/algorithms/viterbi.h"
#include "tokenizers/sentencepiece/segmenter.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

using Type = SentencePieceModel::Type;

/// Higher than any normal piece, whose score is a log probability; longer pieces score higher.
float user_defined_score(size_t size) { return static_cast<float>(0.1 * (double(size) - 1)); }

size_t characters(std::string_view text) {
  size_t count = 0;
  for (; !text.empty(); text.remove_prefix(utf8::first(text).size)) ++count;
  return count;
}

auto of(const std::vector<float>& scores) {
  return [&scores](int32_t id, size_t) { return double{scores[static_cast<size_t>(id)]}; };
}

class UnigramSegmenter : public Segmenter {
 public:
  UnigramSegmenter(const SentencePieceModel& model, int32_t unk_id) {
    constexpr float kUnknownPenalty = 10;
    float lowest = std::numeric_limits<float>::max();
    std::vector<std::pair<std::string_view, int32_t>> pieces;
    for (size_t id = 0; id < model.pieces.size(); ++id) {
      const auto& piece = model.pieces[id];
      const bool defined = piece.type == Type::kUserDefined;
      scores_.push_back(defined ? user_defined_score(piece.text.size()) : piece.score);
      lattice_scores_.push_back(defined ? user_defined_score(characters(piece.text)) : piece.score);
      if (piece.type == Type::kNormal || defined) {
        pieces.emplace_back(piece.text, static_cast<int32_t>(id));
      }
      if (piece.type == Type::kNormal) lowest = std::min(lowest, piece.score);
    }
    finder_ = PieceFinder(std::move(pieces));
    unknown_ = {unk_id, lowest - kUnknownPenalty};
  }

  void best(std::string_view text, Segments& found) const override {
    found.clear();
    viterbi<float>(text, finder_, unknown_, of(scores_), [&](size_t begin, size_t end, int32_t id) {
      found.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(end), id});
    });
    std::reverse(found.begin(), found.end());
  }

  Segments sample(std::string_view text, double alpha, int nbest_size,
                  std::mt19937_64& random) const override {
    const UnigramLattice all = lattice(text);
    if (nbest_size < 0) return segments(all.sample(alpha, random));
    const auto paths = all.nbest(static_cast<size_t>(std::max(nbest_size, 1)));
    std::vector<double> weights;
    for (const auto& path : paths) {
      weights.push_back(std::exp(alpha * (path.score - paths[0].score)));
    }
    double rest = uniform(random) * std::accumulate(weights.begin(), weights.end(), 0.0);
    size_t chosen = 0;
    while (chosen + 1 < paths.size() && (rest -= weights[chosen]) >= 0) ++chosen;
    return segments(paths[chosen].arcs);
  }

  std::vector<ScoredSegments> nbest(std::string_view text, size_t n) const override {
    std::vector<ScoredSegments> found;
    for (const auto& path : lattice(text).nbest(n)) {
      found.push_back({segments(path.arcs), path.score});
    }
    return found;
  }

 private:
  UnigramLattice lattice(std::string_view text) const {
    std::vector<UnigramLattice::Arc> arcs;
    for_each_piece(
        text, finder_, unknown_, of(lattice_scores_),
        [&](size_t end, size_t size, int32_t id, double score) {
          arcs.push_back(
              {static_cast<uint32_t>(end - size), static_cast<uint32_t>(end), id, score});
        },
        [](size_t) {});
    return UnigramLattice(text.size(), std::move(arcs));
  }

  static Segments segments(const std::vector<UnigramLattice::Arc>& arcs) {
    Segments found;
    for (const auto& arc : arcs) found.push_back({arc.begin, arc.end, arc.id});
    return found;
  }

  PieceFinder finder_;
  // The library scores a user-defined piece by bytes for the best split, and by characters for
  // others.
  std::vector<float> scores_, lattice_scores_;
  UnknownPiece unknown_;
};

}  // namespace

std::unique_ptr<Segmenter> make_unigram_segmenter(const SentencePieceModel& model, int32_t unk_id) {
  return std::make_unique<UnigramSegmenter>(model, unk_id);
}

std::unique_ptr<Segmenter> make_segmenter(const SentencePieceModel& model, int32_t unk_id) {
  return model.algorithm == SentencePieceModel::Algorithm::kBpe
             ? make_bpe_segmenter(model, unk_id)
             : make_unigram_segmenter(model, unk_id);
}

}  // namespace zoo
