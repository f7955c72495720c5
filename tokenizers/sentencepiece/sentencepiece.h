// SentencePiece (Kudo & Richardson 2018, arXiv:1808.06226): BPE and unigram models from a .model
// file. Ids equal those of the library, which trains the models and is the reference in tests.
#pragma once
#include <array>
#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "tokenizers/core/tokenizer.h"
#include "tokenizers/core/tokenizer_json.h"
#include "tokenizers/sentencepiece/segmenter.h"
#include "tokenizers/sentencepiece/sentencepiece_model.h"
#include "tokenizers/sentencepiece/sentencepiece_normalizer.h"
#include "tokenizers/stages/added_tokens.h"
#include "tokenizers/stages/post_template.h"

namespace zoo {

/// Each byte of invalid UTF-8 is encoded as U+FFFD. decode writes U+FFFD for byte pieces that form
/// no character, and special tokens by name.
///
/// Ids are indices in the .model file. XLM-R and CamemBERT use other ids (fairseq's <s>, <pad>,
/// </s>, <unk> first, then the file's pieces, shifted by one or more). Their tokenizer.json has
/// those ids and is read by PipelineTokenizer.
class SentencePieceTokenizer : public Tokenizer {
 public:
  /// From the bytes of a .model file: no added tokens are recognised in the text, and add_special
  /// puts <s> before and </s> after it if the model has them. Throws std::runtime_error.
  explicit SentencePieceTokenizer(std::string model);
  /// Also uses the added tokens and template of the tokenizer.json beside the model, which
  /// accepts() must be true for. Throws std::runtime_error if these are damaged.
  SentencePieceTokenizer(std::string model, const nlohmann::json& tokenizer_json);
  /// Whether a tokenizer.json splits text as the one that this class writes for the model. Others
  /// may use different ids and must be read on their own. Never throws for damaged files.
  static bool accepts(std::string_view model, const nlohmann::json& tokenizer_json);

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
  const PostTemplate& post_template() const override { return post_; }
  std::string kind() const override;
  void save(const std::filesystem::path& folder) const override;
  /// The tokenizer.json that save() writes.
  OrderedJson to_json() const;

  /// A random split (subword regularisation), the same for the same seed. Added tokens are
  /// recognised; the text between them is sampled separately.
  /// Unigram (Kudo 2018, arXiv:1804.10959): samples a split X with probability proportional to
  /// P(X)^alpha, alpha at least 0. A negative nbest_size samples from all splits, one above 1 from
  /// the nbest_size best ones; 0 and 1 give the best split. BPE (Provilkov et al. 2020,
  /// arXiv:1910.13267): alpha, 0 to 1, is the probability that a merge is skipped at a step;
  /// nbest_size is ignored. Throws std::invalid_argument for an alpha out of range.
  std::vector<int32_t> sample(std::string_view text, double alpha, int nbest_size,
                              uint64_t seed) const;

  struct ScoredIds {
    std::vector<int32_t> ids;
    double score = 0;  ///< log probability
  };
  /// At most n splits, the most probable first. Added tokens are not recognised. Throws
  /// std::invalid_argument for a BPE model, which has no probabilities.
  std::vector<ScoredIds> nbest(std::string_view text, size_t n) const;

  /// A piece under the library's name; an unknown one keeps its (normalised) text.
  struct NamedPiece {
    std::string text;
    size_t begin = 0, end = 0;  ///< bytes of the original text
    int32_t word = 0;
  };
  /// For vocabularies with other ids. Added tokens are not recognised.
  std::vector<NamedPiece> pieces(std::string_view text) const;
  /// The library's text for a sequence of pieces; strings that are not pieces of the model are
  /// copied.
  std::string join(std::span<const std::string> pieces) const;

 private:
  const SentencePieceModel::Piece& piece(int32_t id) const;
  void find_roles();
  struct Normalized;
  std::vector<AddedTokens::Part> split(std::string_view text, bool recognise_added) const;
  Normalized normalize(const AddedTokens::Part& part, bool details) const;
  template <class Emit>
  void for_each_id(const Normalized& from, const Segmenter::Segments& segments,
                   const Emit& emit) const;
  void add(const Normalized& from, const Segmenter::Segments& segments, Encoding& out) const;

  std::string bytes_;         // the .model file
  SentencePieceModel model_;  // its contents, plus added tokens outside the model
  SentencePieceNormalizer normalizer_;
  std::unique_ptr<Segmenter> segmenter_;
  std::array<int32_t, 256> byte_ids_ = {};  // ids of the byte pieces, if the model has them
  std::unordered_map<std::string, int32_t> ids_;
  AddedTokens added_;
  PostTemplate post_;
  std::optional<int32_t> bos_, eos_, pad_;
  int32_t unk_ = 0;
};

/// How many leading spaces decode removes at most: those that encode may have added.
size_t leading_spaces_dropped(const SentencePieceModel& model);

/// The parts of a tokenizer.json for the model: normalizer, decoder, model.
TokenizerJson sentencepiece_to_json(const SentencePieceModel& model);

/// The package's added tokens for the model: special and user-defined pieces.
std::vector<AddedToken> added_tokens_of(const SentencePieceModel& model);

/// Whether the tokenizer.json describes the model in that way.
bool describes_sentencepiece(const nlohmann::json& tokenizer_json, const SentencePieceModel& model);

}  // namespace zoo
