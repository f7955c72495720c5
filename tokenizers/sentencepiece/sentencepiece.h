// SentencePiece (Kudo & Richardson 2018, arXiv:1808.06226): BPE and unigram models through the
// library itself, so ids are its ids.
#pragma once
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "tokenizers/added_tokens.h"
#include "tokenizers/sentencepiece/sentencepiece_model.h"
#include "tokenizers/tokenizer.h"
#include "tokenizers/tokenizer_json.h"

namespace sentencepiece {
class SentencePieceProcessor;
}

namespace zoo {

/// Invalid UTF-8 is encoded as U+FFFD, one for each invalid byte. decode gives U+FFFD for byte
/// pieces that make no character, and writes special tokens as their names.
class SentencePieceTokenizer : public Tokenizer {
 public:
  /// From the bytes of a .model file: raw ids, nothing is recognised in the text, and add_special
  /// puts <s> before and </s> after where the model has them. Throws std::runtime_error.
  explicit SentencePieceTokenizer(std::string model);
  /// With the tokenizer.json beside the model: its added tokens and template. Throws
  /// std::runtime_error where it splits text otherwise than the model does.
  SentencePieceTokenizer(std::string model, const nlohmann::json& tokenizer_json);
  ~SentencePieceTokenizer() override;

  Encoding encode(std::string_view text, const EncodeOptions& options = {}) const override;
  std::string decode(std::span<const int32_t> ids, bool skip_special = false) const override;
  std::string piece_of(int32_t id) const override;
  std::string bytes_of(int32_t id) const override;
  std::optional<int32_t> id_of(std::string_view piece) const override;
  int32_t vocab_size() const override { return static_cast<int32_t>(model_.pieces.size()); }
  bool is_special(int32_t id) const override;
  std::optional<int32_t> bos_id() const override { return bos_; }
  std::optional<int32_t> eos_id() const override { return eos_; }
  std::optional<int32_t> pad_id() const override { return pad_; }
  std::optional<int32_t> unk_id() const override { return unk_; }
  std::string kind() const override;
  void save(const std::filesystem::path& folder) const override;
  /// The tokenizer.json that save() writes.
  OrderedJson to_json() const;

 private:
  const SentencePieceModel::Piece& piece(int32_t id) const;
  void find_roles();
  void encode_part(const AddedTokens::Part& part, Encoding& out) const;

  std::string bytes_;         // the .model file
  SentencePieceModel model_;  // its contents, and added tokens that it does not have
  std::unique_ptr<sentencepiece::SentencePieceProcessor> processor_;
  std::unordered_map<std::string, int32_t> ids_;
  AddedTokens added_;
  SpecialTemplate specials_;
  std::optional<int32_t> bos_, eos_, pad_, unk_;
};

/// How many spaces decode takes from the beginning of a text at most: those that encode put there.
size_t leading_spaces_dropped(const SentencePieceModel& model);

/// The model as tokenizer.json describes it: normalizer, decoder, model.
TokenizerJson sentencepiece_to_json(const SentencePieceModel& model);

}  // namespace zoo
