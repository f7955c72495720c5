// The interface of all tokenizers: text to ids and back.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/stages/encoding.h"

namespace zoo {

class PostTemplate;

struct EncodeOptions {
  bool add_special = false;     ///< the family's template: [CLS] A [SEP], <s> A </s>
  bool recognise_added = true;  ///< added tokens written in the text become one id
  bool details = true;          ///< also offsets, type_ids and words; ids alone are faster
};

/// Ids are 0 .. vocab_size() - 1. Text is UTF-8; each class documents how it treats invalid UTF-8.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  virtual Encoding encode(std::string_view text, const EncodeOptions& options = {}) const = 0;
  /// Throws std::out_of_range for an id outside the vocabulary, naming it.
  virtual std::string decode(std::span<const int32_t> ids, bool skip_special = false) const = 0;
  /// As written in the vocabulary file. Throws std::out_of_range.
  virtual std::string piece_of(int32_t id) const = 0;
  /// The bytes that the id adds to a text, possibly a part of a character. Special tokens add their
  /// name.
  virtual std::string bytes_of(int32_t id) const = 0;
  virtual std::optional<int32_t> id_of(std::string_view piece) const = 0;
  virtual int32_t vocab_size() const = 0;
  virtual bool is_special(int32_t id) const = 0;
  /// Roles that models need; nullopt where the vocabulary has no such token.
  virtual std::optional<int32_t> bos_id() const = 0;
  virtual std::optional<int32_t> eos_id() const = 0;
  virtual std::optional<int32_t> pad_id() const = 0;
  virtual std::optional<int32_t> unk_id() const = 0;
  virtual std::optional<int32_t> cls_id() const { return std::nullopt; }
  virtual std::optional<int32_t> sep_id() const { return std::nullopt; }
  virtual std::optional<int32_t> mask_id() const { return std::nullopt; }
  /// The ids that add_special adds around one text, and around two.
  virtual const PostTemplate& post_template() const = 0;
  /// "character", "byte-bpe", "wordpiece", "sentencepiece-bpe", ...
  virtual std::string kind() const = 0;
  /// Writes the kind's own files and a tokenizer.json that the `tokenizers` package reads.
  virtual void save(const std::filesystem::path& folder) const = 0;

  std::vector<int32_t> ids(std::string_view text, EncodeOptions options = {}) const {
    options.details = false;
    return encode(text, options).ids;
  }
};

/// The last step of every encode(): adds the ids of the template, or only its segments.
Encoding finish_encoding(const Tokenizer& tokenizer, Encoding bare, const EncodeOptions& options);

/// Two texts in one sequence: [CLS] A [SEP] B [SEP]. Offsets are those in the id's own text.
Encoding encode_pair(const Tokenizer& tokenizer, std::string_view a, std::string_view b,
                     EncodeOptions options = {});

/// 64-bit FNV-1a hash of kind, vocabulary and special roles. Token streams and checkpoints record
/// it and reject another tokenizer.
uint64_t fingerprint(const Tokenizer& tokenizer);

}  // namespace zoo
