// Characters as tokens: a token is a Unicode code point, and the vocabulary the characters of a
// text, sorted by code point (as in nanoGPT).
#pragma once
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "tokenizers/stages/added_tokens.h"
#include "tokenizers/stages/post_template.h"
#include "tokenizers/tokenizer.h"

namespace zoo {

/// Special tokens, numbered after the characters, in this order.
struct CharacterSpecials {
  bool sequence = false;  ///< <pad>, <s> and </s>, which an encoder-decoder needs
  bool unknown = false;   ///< <unk>
};

/// A character outside the vocabulary, or a byte that is not valid UTF-8, becomes `<unk>` where the
/// vocabulary has it; else encode() throws std::runtime_error with the character and its offset.
class CharacterTokenizer : public Tokenizer {
 public:
  /// The id of a character is its index in `characters`; the special tokens follow. Throws
  /// std::invalid_argument for an empty list or a repeated character.
  explicit CharacterTokenizer(std::u32string characters, const CharacterSpecials& specials = {});
  /// From a tokenizer.json as save() writes it. Throws std::runtime_error without naming a file.
  static std::unique_ptr<CharacterTokenizer> from_json(const nlohmann::json& tokenizer_json);
  /// Whether the document is one that save() writes: a word for each character.
  static bool accepts(const nlohmann::json& tokenizer_json);

  Encoding encode(std::string_view text, const EncodeOptions& options = {}) const override;
  std::string decode(std::span<const int32_t> ids, bool skip_special = false) const override;
  std::string piece_of(int32_t id) const override;
  std::string bytes_of(int32_t id) const override { return piece_of(id); }
  std::optional<int32_t> id_of(std::string_view piece) const override;
  int32_t vocab_size() const override;
  bool is_special(int32_t id) const override { return id >= first_special(); }
  std::optional<int32_t> bos_id() const override { return special("<s>"); }
  std::optional<int32_t> eos_id() const override { return special("</s>"); }
  std::optional<int32_t> pad_id() const override { return special("<pad>"); }
  std::optional<int32_t> unk_id() const override { return unknown_; }
  const PostTemplate& post_template() const override { return post_; }
  std::string kind() const override { return "character"; }
  void save(const std::filesystem::path& folder) const override;

 private:
  void encode_part(const AddedTokens::Part& part, bool details, Encoding& out) const;
  int32_t first_special() const { return static_cast<int32_t>(characters_.size()); }
  std::optional<int32_t> special(std::string_view name) const;
  std::u32string characters_;
  std::unordered_map<char32_t, int32_t> ids_;
  std::vector<std::string> specials_;
  std::optional<int32_t> unknown_;
  AddedTokens added_;
  PostTemplate post_;  // of the tokenizer.json that was read; else empty
};

}  // namespace zoo
