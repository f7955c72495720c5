// Third stage: what splits one word into pieces of a vocabulary.
#pragma once
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

/// Safe to use from several threads at once.
class SubwordModel {
 public:
  virtual ~SubwordModel() = default;
  /// Appends the ids of one word and, where `ends` is not null, the byte of the word where each
  /// id's part ends. Ids in a row with equal ends share one part, as its bytes do. Ends may lie
  /// past the word: BPE, as the reference has it, counts a byte for each byte piece, those of a
  /// prefix or suffix included.
  virtual void encode(std::string_view word, std::vector<int32_t>& ids,
                      std::vector<size_t>* ends) const = 0;
  /// One past the largest id.
  virtual int32_t vocab_size() const = 0;
  /// How many ids have a piece.
  virtual int32_t piece_count() const = 0;
  /// As written in the vocabulary file; empty for an id that the file leaves out.
  virtual const std::string& piece_of(int32_t id) const = 0;
  virtual std::optional<int32_t> id_of(std::string_view piece) const = 0;
  virtual std::optional<int32_t> unk_id() const = 0;
  /// Whether an unknown part counts as it stands in the text, not as the unknown token.
  virtual bool keeps_unknown_text() const { return false; }
};

/// The "type" of a tokenizer.json's "model", or, in files of 2020, which do not name it, what the
/// model's keys tell. Throws std::runtime_error where they tell none.
std::string type_of_model(const nlohmann::json& model);

/// From a tokenizer.json's "model": BPE, WordPiece, Unigram or WordLevel. byte_level: words come as
/// bytes, the vocabulary is written in GPT-2's byte alphabet (byte_alphabet.h). Throws
/// std::runtime_error for a damaged or unknown one.
std::unique_ptr<SubwordModel> make_subword_model(const nlohmann::json& model, bool byte_level);

}  // namespace zoo
