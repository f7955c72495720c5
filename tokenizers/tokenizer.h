// What all tokenizers share: text to ids and back. No torch here.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zoo {

struct EncodeOptions {
  bool add_special = false;     ///< the family's template: [CLS] A [SEP], <s> A </s>
  bool recognise_added = true;  ///< added tokens written in the text become one id
};

struct Encoding {
  std::vector<int32_t> ids;
  std::vector<std::pair<size_t, size_t>>
      offsets;  ///< bytes [begin, end) of the text, one pair an id
};

/// Ids are 0 .. vocab_size() - 1. Text is UTF-8; what invalid UTF-8 does is documented by each
/// class.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  virtual Encoding encode(std::string_view text, const EncodeOptions& options = {}) const = 0;
  /// Throws std::out_of_range for an id outside the vocabulary, naming it.
  virtual std::string decode(std::span<const int32_t> ids, bool skip_special = false) const = 0;
  /// As written in the vocabulary file. Throws std::out_of_range.
  virtual std::string piece_of(int32_t id) const = 0;
  /// What the id adds to the text: streaming may stop inside a character. Special tokens add their
  /// name.
  virtual std::string bytes_of(int32_t id) const = 0;
  virtual std::optional<int32_t> id_of(std::string_view piece) const = 0;
  virtual int32_t vocab_size() const = 0;
  virtual bool is_special(int32_t id) const = 0;
  /// Roles that models need: where the vocabulary has no such token, nothing.
  virtual std::optional<int32_t> bos_id() const = 0;
  virtual std::optional<int32_t> eos_id() const = 0;
  virtual std::optional<int32_t> pad_id() const = 0;
  virtual std::optional<int32_t> unk_id() const = 0;
  /// "character", "sentencepiece-bpe", ...
  virtual std::string kind() const = 0;
  /// Writes the kind's own files and a tokenizer.json that the `tokenizers` package reads.
  virtual void save(const std::filesystem::path& folder) const = 0;

  std::vector<int32_t> ids(std::string_view text, const EncodeOptions& options = {}) const {
    return encode(text, options).ids;
  }
};

/// The folder's files decide which class loads; the order is documented in tokenizers/README.md.
/// Throws std::runtime_error, one line: folder, what was found, what was expected.
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder);

/// Copies the files that belong to a tokenizer (and nothing else) from one folder to another.
void copy_tokenizer_files(const std::filesystem::path& from, const std::filesystem::path& to);

/// 64-bit FNV-1a over kind, vocabulary and special roles: token streams and checkpoints record it
/// and refuse another tokenizer.
uint64_t fingerprint(const Tokenizer& tokenizer);

}  // namespace zoo
