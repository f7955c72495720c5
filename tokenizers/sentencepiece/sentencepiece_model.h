// The file format of SentencePiece (.model): a protocol buffer, of which the zoo reads the few
// fields that say how a model splits text. Kudo & Richardson 2018, arXiv:1808.06226.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

struct SentencePieceModel {
  enum class Type {
    kNormal = 1,
    kUnknown = 2,
    kControl = 3,
    kUserDefined = 4,
    kUnused = 5,
    kByte = 6
  };
  enum class Algorithm { kUnigram = 1, kBpe = 2, kWord = 3, kCharacter = 4 };
  struct Piece {
    std::string text;
    float score = 0;
    Type type = Type::kNormal;
  };

  std::vector<Piece> pieces;  ///< the place is the id
  Algorithm algorithm = Algorithm::kUnigram;
  bool byte_fallback = false;         ///< an unknown character becomes its bytes
  bool whitespace_as_suffix = false;  ///< the mark of a space ends a word instead of beginning it
  bool add_dummy_prefix = true;       ///< a text begins with one more space
  bool remove_extra_whitespaces = true;  ///< spaces at the ends go, runs become one
  bool escape_whitespaces = true;        ///< a space is written U+2581 in pieces
  std::string normalization;             ///< "identity", "nmt_nfkc", ...
  bool denormalizes = false;             ///< rules of its own turn pieces back into text
  std::string precompiled_charsmap;      ///< the normalisation's rules, compiled; empty: none
  /// Which control pieces have which role, where the model has them.
  std::string bos_piece = "<s>", eos_piece = "</s>", pad_piece = "<pad>";
  /// As its settings say; -1: none. What the pieces say counts for splitting.
  int64_t unk_id = 0, bos_id = 1, eos_id = 2;
  std::string unk_piece = "<unk>";
  std::string unk_surface = " \xE2\x81\x87 ";  ///< what is unknown, in text: a double question mark
};

/// Throws std::runtime_error (without naming a file) for what is no whole SentencePiece model.
SentencePieceModel parse_sentencepiece_model(std::string_view bytes);

/// Throws std::runtime_error for a model that the zoo does not read (of words or characters, with
/// rules that turn pieces back into text, with spaces as suffixes), and for one that contradicts
/// itself: pieces given twice, none or two for what is unknown, not all bytes.
void check_sentencepiece_model(const SentencePieceModel& model);

/// The id of what is unknown in a checked model.
int32_t unknown_of(const SentencePieceModel& model);

/// "<0x0A>" -> 0x0A, for pieces of type kByte.
unsigned char byte_of(const SentencePieceModel::Piece& piece);

/// The same file with every piece passed through `edit` and escape_whitespaces as given.
std::string rewrite_sentencepiece_model(std::string_view bytes,
                                        const std::function<void(SentencePieceModel::Piece&)>& edit,
                                        bool escape_whitespaces);

}  // namespace zoo
