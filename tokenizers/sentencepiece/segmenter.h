// What splits a normalised text into the pieces of a SentencePiece model: the best split, the n
// best, or one drawn at random.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string_view>
#include <vector>

#include "tokenizers/sentencepiece/sentencepiece_model.h"

namespace zoo {

class Segmenter {
 public:
  /// Bytes [begin, end) of the text. A character that is no piece is one of id unk_id.
  struct Segment {
    uint32_t begin = 0, end = 0;
    int32_t id = 0;
  };
  using Segments = std::vector<Segment>;
  struct ScoredSegments {
    Segments segments;
    double score = 0;  ///< log probability
  };

  virtual ~Segmenter() = default;
  /// Equal to the library's split, whatever the text. `found` is overwritten.
  virtual void best(std::string_view text, Segments& found) const = 0;
  /// The parameters' meaning is that of SentencePieceTokenizer::sample, which checks them.
  virtual Segments sample(std::string_view text, double alpha, int nbest_size,
                          std::mt19937_64& random) const = 0;
  /// The most probable first. Throws std::invalid_argument for a model without probabilities.
  virtual std::vector<ScoredSegments> nbest(std::string_view text, size_t n) const = 0;
};

/// For the model's algorithm. `unk_id` is the id of a character that is no piece.
std::unique_ptr<Segmenter> make_segmenter(const SentencePieceModel& model, int32_t unk_id);

/// Kudo 2018, arXiv:1804.10959.
std::unique_ptr<Segmenter> make_unigram_segmenter(const SentencePieceModel& model, int32_t unk_id);
/// Sennrich et al. 2016, arXiv:1508.07909; drawn splits are those of BPE-dropout, Provilkov et al.
/// 2020, arXiv:1910.13267.
std::unique_ptr<Segmenter> make_bpe_segmenter(const SentencePieceModel& model, int32_t unk_id);

}  // namespace zoo
