// What all tokenizers share: text to ids and back. No torch here.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/note.h"

namespace zoo {

class PostTemplate;

struct EncodeOptions {
  bool add_special = false;     ///< the family's template: [CLS] A [SEP], <s> A </s>
  bool recognise_added = true;  ///< added tokens written in the text become one id
  bool details = true;          ///< offsets, type_ids and words as well; ids alone are quicker
};

/// Ids and, where asked for, as many of each detail. Ids that the template added have offsets
/// (0, 0) and word -1.
struct Encoding {
  std::vector<int32_t> ids;
  std::vector<std::pair<size_t, size_t>> offsets;  ///< bytes [begin, end) of the id's text
  std::vector<int32_t> type_ids;                   ///< segment: 0 for A, 1 for B in BERT's template
  std::vector<int32_t> words;  ///< which word of its text: pieces of one word share a number
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
  virtual std::optional<int32_t> cls_id() const { return std::nullopt; }
  virtual std::optional<int32_t> sep_id() const { return std::nullopt; }
  virtual std::optional<int32_t> mask_id() const { return std::nullopt; }
  /// What add_special puts around one text, and around two.
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

/// What every class does last: the template's ids (or only its segments) around the bare text.
Encoding finish_encoding(const Tokenizer& tokenizer, Encoding bare, const EncodeOptions& options);

/// Two texts in one sequence: [CLS] A [SEP] B [SEP]. Offsets count in the text that an id is of.
Encoding encode_pair(const Tokenizer& tokenizer, std::string_view a, std::string_view b,
                     EncodeOptions options = {});

/// Whether a folder has a tokenizer for the source and another one for the target, as Marian's do.
bool has_two_sides(const std::filesystem::path& folder);

struct LoadOptions {
  bool target = false;  ///< of a translation model with two vocabularies: the target's
  /// Told of what is passed over and yet may be news; nullptr: nobody.
  std::function<void(std::string_view line)> note = zoo::note;
};

/// The folder's files decide which class loads; the order is documented in tokenizers/README.md.
/// Throws std::runtime_error, one line: folder, what was found, what was expected.
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& folder,
                                          const LoadOptions& options = {});

/// 64-bit FNV-1a over kind, vocabulary and special roles: token streams and checkpoints record it
/// and refuse another tokenizer.
uint64_t fingerprint(const Tokenizer& tokenizer);

}  // namespace zoo
