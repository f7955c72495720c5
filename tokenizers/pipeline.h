// A tokenizer as tokenizer.json describes it, stage by stage:
//   text -> added tokens -> normalizer -> pre-tokenizer -> subword model -> template
// GPT-2, RoBERTa, Llama 3 and CLIP (byte-level BPE), BERT (WordPiece), T5 and XLM-R (unigram) and
// Llama 2 (BPE of SentencePiece's kind) differ in their stages only.
#pragma once
#include <array>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tokenizers/added_vocabulary.h"
#include "tokenizers/algorithms/subword_model.h"
#include "tokenizers/core/tokenizer.h"
#include "tokenizers/stages/decoder.h"
#include "tokenizers/stages/normalizer.h"
#include "tokenizers/stages/post_template.h"
#include "tokenizers/stages/pre_tokenizer.h"

namespace zoo {

/// Invalid UTF-8: each invalid byte is read as U+FFFD, as Python does with errors="replace" but one
/// for each byte; a byte-level tokenizer takes the bytes as they are.
class PipelineTokenizer : public Tokenizer {
 public:
  /// document: the text of a tokenizer.json, which save() writes again unchanged. config: that of
  /// the tokenizer_config.json beside it (empty: none), which names the roles, and of whose other
  /// keys those count that a tokenizer.json has no place for (split_special_tokens,
  /// clean_up_tokenization_spaces). Throws
  /// std::runtime_error for what is damaged or unknown, without naming a file.
  explicit PipelineTokenizer(std::string document, std::string config = {});

  Encoding encode(std::string_view text, const EncodeOptions& options = {}) const override;
  /// Unless the tokenizer has a decoder, pieces are joined with spaces.
  std::string decode(std::span<const int32_t> ids, bool skip_special = false) const override;
  std::string piece_of(int32_t id) const override;
  std::string bytes_of(int32_t id) const override;
  std::optional<int32_t> id_of(std::string_view piece) const override;
  int32_t vocab_size() const override { return vocab_size_; }
  bool is_special(int32_t id) const override;
  std::optional<int32_t> bos_id() const override { return role(Role::kBos); }
  std::optional<int32_t> eos_id() const override { return role(Role::kEos); }
  std::optional<int32_t> pad_id() const override { return role(Role::kPad); }
  std::optional<int32_t> unk_id() const override { return role(Role::kUnk); }
  std::optional<int32_t> cls_id() const override { return role(Role::kCls); }
  std::optional<int32_t> sep_id() const override { return role(Role::kSep); }
  std::optional<int32_t> mask_id() const override { return role(Role::kMask); }
  const PostTemplate& post_template() const override { return post_; }
  std::string kind() const override { return kind_; }
  void save(const std::filesystem::path& folder) const override;

 private:
  enum class Role { kBos, kEos, kPad, kUnk, kCls, kSep, kMask };
  static constexpr size_t kRoles = 7;
  std::optional<int32_t> role(Role r) const { return roles_[static_cast<size_t>(r)]; }
  void read_use(const nlohmann::json& config, bool is_bpe);
  void find_roles(const nlohmann::json& config, const nlohmann::json& padding);
  bool has_piece(int32_t id) const;
  /// user: the whole text that places count in.
  void encode_words(AlignedText text, std::string_view user, Encoding& out, int32_t& word,
                    bool details) const;
  void add_places(const PreTokens& pre, const Span& word, const std::vector<size_t>& ends,
                  std::string_view user, int32_t number, Encoding& out) const;
  void add_place(Span place, std::string_view piece, std::string_view user, int32_t word,
                 Encoding& out, size_t beyond = 0) const;

  std::string document_, config_, kind_;
  std::unique_ptr<Normalizer> normalizer_;
  std::unique_ptr<PreTokenizer> pre_tokenizer_;
  std::unique_ptr<SubwordModel> model_;
  std::unique_ptr<Decoder> decoder_;
  PostTemplate post_;
  AddedVocabulary added_;
  std::vector<OffsetTrimming> trimming_;
  bool byte_alphabet_ = false;  // the pieces are written in it
  bool bytes_ = false;          // and words come to the model as bytes
  bool track_ = false;          // a stage looks at places, whoever asks for ids alone
  bool split_special_ = false;  // special tokens are not found in a text
  bool clean_up_ = false;       // decoded text loses spaces before punctuation
  int32_t vocab_size_ = 0;
  std::array<std::optional<int32_t>, kRoles> roles_;
};

}  // namespace zoo
