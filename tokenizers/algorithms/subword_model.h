// Fourth stage: splits a word into pieces of a vocabulary.
#pragma once
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

/// Thread-safe.
class SubwordModel {
 public:
  virtual ~SubwordModel() = default;
  /// Appends the ids of one word and, if `ends` is not null, the byte of the word at which each
  /// id's part ends. Consecutive ids with equal ends share a part, as the bytes of a character do.
  /// Ends can be past the word's end: like the reference, BPE counts one byte for each byte piece,
  /// including those of a prefix or suffix.
  virtual void encode(std::string_view word, std::vector<int32_t>& ids,
                      std::vector<size_t>* ends) const = 0;
  /// One past the largest id.
  virtual int32_t vocab_size() const = 0;
  /// Number of ids that have a piece.
  virtual int32_t piece_count() const = 0;
  /// As written in the vocabulary file; empty for an id without a piece.
  virtual const std::string& piece_of(int32_t id) const = 0;
  virtual std::optional<int32_t> id_of(std::string_view piece) const = 0;
  virtual std::optional<int32_t> unk_id() const = 0;
  /// Whether unknown parts are shown as their text instead of the unknown token.
  virtual bool keeps_unknown_text() const { return false; }
};

/// The "type" of a tokenizer.json's "model". Files of 2020 do not have it; there it is inferred
/// from the model's keys. Throws std::runtime_error if that fails.
std::string type_of_model(const nlohmann::json& model);

/// From a tokenizer.json's "model": BPE, WordPiece, Unigram or WordLevel. byte_level: words are raw
/// bytes, and the vocabulary is written in GPT-2's byte alphabet (byte_alphabet.h). Throws
/// std::runtime_error for a damaged or unknown one.
std::unique_ptr<SubwordModel> make_subword_model(const nlohmann::json& model, bool byte_level);

}  // namespace zoo
