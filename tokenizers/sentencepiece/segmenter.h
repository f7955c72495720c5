// Splits a normalised text into the pieces of a SentencePiece model: the best split, the n best, or
// a random one.
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
  /// Bytes [begin, end) of the text. A character that is not a piece is one segment with unk_id.
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
  /// Always equal to the library's split. `found` is overwritten.
  virtual void best(std::string_view text, Segments& found) const = 0;
  /// The parameters are those of SentencePieceTokenizer::sample, which checks them.
  virtual Segments sample(std::string_view text, double alpha, int nbest_size,
                          std::mt19937_64& random) const = 0;
  /// The most probable first. Throws std::invalid_argument if the model has no probabilities.
  virtual std::vector<ScoredSegments> nbest(std::string_view text, size_t n) const = 0;
};

/// For the model's algorithm. `unk_id` is the id of characters that are not pieces.
std::unique_ptr<Segmenter> make_segmenter(const SentencePieceModel& model, int32_t unk_id);

/// Kudo 2018, arXiv:1804.10959.
std::unique_ptr<Segmenter> make_unigram_segmenter(const SentencePieceModel& model, int32_t unk_id);
/// Sennrich et al. 2016, arXiv:1508.07909. Random splits use BPE-dropout, Provilkov et al. 2020,
/// arXiv:1910.13267.
std::unique_ptr<Segmenter> make_bpe_segmenter(const SentencePieceModel& model, int32_t unk_id);

}  // namespace zoo
