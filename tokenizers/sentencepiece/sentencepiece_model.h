// The file format of SentencePiece (.model): a protocol buffer. The zoo reads the few fields that
// determine how a model splits text. Kudo & Richardson 2018, arXiv:1808.06226.
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

  std::vector<Piece> pieces;  ///< the index is the id
  Algorithm algorithm = Algorithm::kUnigram;
  bool byte_fallback = false;            ///< an unknown character becomes its bytes
  bool whitespace_as_suffix = false;     ///< U+2581 ends a word instead of beginning it
  bool add_dummy_prefix = true;          ///< adds a space at the start of a text
  bool remove_extra_whitespaces = true;  ///< removes spaces at both ends and collapses runs
  bool escape_whitespaces = true;        ///< pieces contain U+2581 for a space
  std::string normalization;             ///< "identity", "nmt_nfkc", ...
  bool denormalizes = false;             ///< has its own rules for turning pieces back into text
  std::string precompiled_charsmap;      ///< compiled normalisation rules; empty: none
  /// Names of the control pieces for each role, if the model has them.
  std::string bos_piece = "<s>", eos_piece = "</s>", pad_piece = "<pad>";
  /// From the settings; -1: none. For splitting, the types of the pieces decide.
  int64_t unk_id = 0, bos_id = 1, eos_id = 2;
  std::string unk_piece = "<unk>";
  std::string unk_surface = " \xE2\x81\x87 ";  ///< text of unknown pieces: a double question mark
};

/// Throws std::runtime_error (without a file name) for anything but a complete SentencePiece model.
SentencePieceModel parse_sentencepiece_model(std::string_view bytes);

/// Throws std::runtime_error for a model that the zoo does not support (of words or characters,
/// with rules that turn pieces back into text, with spaces as suffixes), and for an inconsistent
/// one: repeated pieces, not exactly one unknown piece, missing bytes.
void check_sentencepiece_model(const SentencePieceModel& model);

/// The id of the unknown piece of a checked model.
int32_t unknown_of(const SentencePieceModel& model);

/// "<0x0A>" -> 0x0A, for pieces of type kByte.
unsigned char byte_of(const SentencePieceModel::Piece& piece);

/// The same file with `edit` applied to every piece, and with this value of escape_whitespaces.
std::string rewrite_sentencepiece_model(std::string_view bytes,
                                        const std::function<void(SentencePieceModel::Piece&)>& edit,
                                        bool escape_whitespaces);

}  // namespace zoo
