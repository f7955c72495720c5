// SentencePiece (Kudo & Richardson 2018, arXiv:1808.06226): BPE and unigram models out of a .model
// file. The ids are those of the library, which trains the models and which the tests compare with.
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

/// Invalid UTF-8 is encoded as U+FFFD, one for each invalid byte. decode gives U+FFFD for byte
/// pieces that make no character, and writes special tokens as their names.
///
/// Ids are the places in the .model file. XLM-R and CamemBERT count otherwise (fairseq's <s>,
/// <pad>,
/// </s>, <unk> first, then the file's pieces one or more places on): their tokenizer.json has their
/// ids, and is read by PipelineTokenizer.
class SentencePieceTokenizer : public Tokenizer {
 public:
  /// From the bytes of a .model file: raw ids, nothing is recognised in the text, and add_special
  /// puts <s> before and </s> after where the model has them. Throws std::runtime_error.
  explicit SentencePieceTokenizer(std::string model);
  /// With the tokenizer.json beside the model, which accepts() is true for: its added tokens and
  /// template. Throws std::runtime_error where these are damaged.
  SentencePieceTokenizer(std::string model, const nlohmann::json& tokenizer_json);
  /// Whether a tokenizer.json splits text as this class would write it for that model. One that
  /// others wrote may describe other ids: then it is read alone. Never throws for damaged files.
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

  /// A split drawn at random (subword regularisation), the same for the same seed. Added tokens are
  /// recognised; the text between two is drawn on its own.
  /// Unigram (Kudo 2018, arXiv:1804.10959): a split X with a probability in proportion to
  /// P(X)^alpha, alpha 0 or more, out of all splits where nbest_size is negative, out of the
  /// nbest_size best where it is above 1; 0 and 1 give the best one. BPE (Provilkov et al. 2020,
  /// arXiv:1910.13267): alpha, 0 to 1, is the probability that a merge is left out at a step;
  /// nbest_size means nothing. Throws std::invalid_argument for an alpha outside.
  std::vector<int32_t> sample(std::string_view text, double alpha, int nbest_size,
                              uint64_t seed) const;

  struct ScoredIds {
    std::vector<int32_t> ids;
    double score = 0;  ///< log probability
  };
  /// The n most probable splits, the best first; fewer where there are no more. Nothing is
  /// recognised in the text. Throws std::invalid_argument for a BPE model, which has no
  /// probabilities.
  std::vector<ScoredIds> nbest(std::string_view text, size_t n) const;

  /// A piece as the library names it: what is unknown keeps its (normalised) text.
  struct NamedPiece {
    std::string text;
    size_t begin = 0, end = 0;  ///< bytes of the text that was split
    int32_t word = 0;
  };
  /// For vocabularies that number pieces otherwise. Nothing is recognised in the text.
  std::vector<NamedPiece> pieces(std::string_view text) const;
  /// The library's text for a row of pieces; what is no piece of the model is text.
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
  SentencePieceModel model_;  // its contents, and added tokens that it does not have
  SentencePieceNormalizer normalizer_;
  std::unique_ptr<Segmenter> segmenter_;
  std::array<int32_t, 256> byte_ids_ = {};  // of the byte pieces, where the model has them
  std::unordered_map<std::string, int32_t> ids_;
  AddedTokens added_;
  PostTemplate post_;
  std::optional<int32_t> bos_, eos_, pad_;
  int32_t unk_ = 0;
};

/// How many spaces decode takes from the beginning of a text at most: those that encode put there.
size_t leading_spaces_dropped(const SentencePieceModel& model);

/// The model as tokenizer.json describes it: normalizer, decoder, model.
TokenizerJson sentencepiece_to_json(const SentencePieceModel& model);

/// What the package sees as added tokens: the special pieces and those the user defined.
std::vector<AddedToken> added_tokens_of(const SentencePieceModel& model);

/// Whether that is how a tokenizer.json describes it.
bool describes_sentencepiece(const nlohmann::json& tokenizer_json, const SentencePieceModel& model);

}  // namespace zoo
