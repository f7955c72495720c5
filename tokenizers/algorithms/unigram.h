// Unigram language model (Kudo 2018, arXiv:1804.10959) as stored in a tokenizer.json: pieces with
// log probabilities. A word becomes its most probable split. T5, ALBERT, XLM-R and Pegasus.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/algorithms/piece_finder.h"
#include "tokenizers/algorithms/subword_model.h"
#include "tokenizers/algorithms/viterbi.h"

namespace zoo {

/// Splits exactly as the `tokenizers` package does, including ties and unknown characters. A
/// character that is not a piece scores 10 less than the rarest piece. Consecutive unknown
/// characters are one piece. It becomes its bytes (<0xE2> and so on) if byte_fallback is set and
/// the vocabulary has all of them.
class UnigramModel : public SubwordModel {
 public:
  struct Piece {
    std::string text;
    double score = 0;
  };
  /// A piece's index is its id; the last of equal pieces is found. Throws std::runtime_error if
  /// there are no pieces, or if unk_id is not the id of one.
  UnigramModel(std::vector<Piece> pieces, std::optional<int32_t> unk_id, bool byte_fallback);

  /// Throws std::runtime_error for an unknown character if the model has no unknown piece. The byte
  /// pieces of a run of unknown characters have equal ends.
  void encode(std::string_view word, std::vector<int32_t>& ids,
              std::vector<size_t>* ends) const override;
  int32_t vocab_size() const override { return static_cast<int32_t>(pieces_.size()); }
  int32_t piece_count() const override { return vocab_size(); }
  const std::string& piece_of(int32_t id) const override {
    return pieces_.at(static_cast<size_t>(id)).text;
  }
  std::optional<int32_t> id_of(std::string_view piece) const override;
  std::optional<int32_t> unk_id() const override { return unk_id_; }
  bool keeps_unknown_text() const override { return true; }

 private:
  /// Called if `word` has a character that is not a piece.
  [[noreturn]] void fail_unknown(std::string_view word) const;
  void add_unknown(std::string_view text, size_t end, std::vector<int32_t>& ids,
                   std::vector<size_t>* ends) const;

  std::vector<Piece> pieces_;
  std::optional<int32_t> unk_id_, empty_id_;
  UnknownPiece unknown_;
  PieceFinder finder_;
  std::vector<double> scores_;
  std::optional<std::array<int32_t, 256>> byte_ids_;
};

/// From a tokenizer.json's "model" of type Unigram. Throws std::runtime_error for a damaged one.
std::unique_ptr<SubwordModel> make_unigram_model(const nlohmann::json& model);

}  // namespace zoo
