// Marian's translation models in the format of `transformers` (Junczys-Dowmunt et al. 2018,
// arXiv:1804.00344; Helsinki-NLP/opus-mt-*): one SentencePiece model splits the source language,
// another the target language, and vocab.json numbers the pieces of both.
#pragma once
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "tokenizers/core/tokenizer.h"
#include "tokenizers/sentencepiece/sentencepiece.h"
#include "tokenizers/stages/added_tokens.h"
#include "tokenizers/stages/post_template.h"

namespace zoo {

/// MarianTokenizer of `transformers`. A language code at the start of a text (">>fra<<") is one
/// piece. A piece that is not in vocab.json is <unk>. add_special appends </s> to a text, or after
/// both texts of a pair. Each byte of invalid UTF-8 is encoded as U+FFFD.
///
/// Decoding strips spaces at both ends, and writes special tokens with a space after them. As in
/// `transformers`, the source model joins the pieces of either side; this matters only next to
/// special tokens.
class MarianTokenizer : public Tokenizer {
 public:
  enum class Side { kSource, kTarget };
  /// The contents of source.spm, target.spm, vocab.json and tokenizer_config.json (empty: none).
  /// side: whose model splits text. Throws std::runtime_error without a folder name.
  MarianTokenizer(std::string source_model, std::string target_model, std::string vocab,
                  std::string config, Side side);

  Encoding encode(std::string_view text, const EncodeOptions& options = {}) const override;
  std::string decode(std::span<const int32_t> ids, bool skip_special = false) const override;
  std::string piece_of(int32_t id) const override;
  std::string bytes_of(int32_t id) const override;
  std::optional<int32_t> id_of(std::string_view piece) const override;
  int32_t vocab_size() const override { return static_cast<int32_t>(pieces_.size()); }
  bool is_special(int32_t id) const override;
  std::optional<int32_t> bos_id() const override { return std::nullopt; }
  std::optional<int32_t> eos_id() const override { return eos_; }
  std::optional<int32_t> pad_id() const override { return pad_; }
  std::optional<int32_t> unk_id() const override { return unk_; }
  const PostTemplate& post_template() const override { return post_; }
  std::string kind() const override { return "marian"; }
  /// Writes the four files. A tokenizer.json cannot hold two models.
  void save(const std::filesystem::path& folder) const override;

 private:
  void read_vocabulary();
  void read_special(const nlohmann::json& config);
  std::vector<AddedToken> read_added(const nlohmann::json& config);
  int32_t add_token(AddedToken token, std::vector<AddedToken>& added);
  void encode_part(const AddedTokens::Part& part, bool details, Encoding& out) const;

  std::string source_model_, target_model_, vocab_, config_;  // the files
  SentencePieceTokenizer source_, target_;
  Side side_;
  std::vector<std::string> pieces_;  // by id
  std::vector<char> special_;        // by id
  std::unordered_map<std::string, int32_t> ids_;
  AddedTokens added_;
  PostTemplate post_;
  int32_t eos_ = 0, pad_ = 0, unk_ = 0;
};

}  // namespace zoo
