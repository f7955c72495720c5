// Making a tokenizer from text: one function for every kind.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "app/named_enum.h"
#include "tokenizers/tokenizer.h"
#include "tokenizers/training/training_text.h"

namespace zoo {

enum class TokenizerKind { kCharacter, kSentencePieceBpe, kSentencePieceUnigram };

template <>
struct EnumNames<TokenizerKind> {
  static constexpr std::string_view what = "tokenizer kind";
  static constexpr std::pair<TokenizerKind, std::string_view> values[] = {
      {TokenizerKind::kCharacter, "character"},
      {TokenizerKind::kSentencePieceBpe, "sentencepiece-bpe"},
      {TokenizerKind::kSentencePieceUnigram, "sentencepiece-unigram"}};
};

struct TokenizerTraining {
  TokenizerKind kind = TokenizerKind::kCharacter;
  int64_t vocab_size = 0;    ///< 0: all characters; for SentencePiece 8000
  bool unknown = false;      ///< character: <unk> for the rarest and for those not seen
  bool lossy = false;        ///< SentencePiece: its classical settings for translation
  double coverage = 0.9995;  ///< SentencePiece: share of the text whose characters are pieces
  bool specials = true;      ///< SentencePiece: add_special gives <s> A </s>; without it nothing
  int threads = 4;           ///< SentencePiece; unigram scores depend on it in the last digits
};

/// Lists the fields for command lines (app/cli.h).
template <class Visitor>
void visit(TokenizerTraining& o, Visitor&& v) {
  v("kind", o.kind, "What to train");
  v("vocab-size", o.vocab_size, "Number of ids; 0: all characters, or 8000 for SentencePiece");
  v("unknown", o.unknown, "character: an <unk> token for characters outside the vocabulary");
  v("lossy", o.lossy,
    "SentencePiece: NFKC, spaces collapsed, <unk> for rare characters (classical translation)");
  v("coverage", o.coverage,
    "SentencePiece: share of the text whose characters get a piece of their own, 0.98 to 1");
  v("threads", o.threads, "SentencePiece: threads; part of what a unigram result depends on");
}

/// Equal options and files give an equal tokenizer. Throws std::invalid_argument for options out of
/// range, std::runtime_error for text that does not allow them; both say what to do.
std::unique_ptr<Tokenizer> train_tokenizer(const TokenizerTraining& options,
                                           const std::vector<std::filesystem::path>& files);

std::unique_ptr<Tokenizer> train_character(const TokenizerTraining& options, TrainingText& text);
std::unique_ptr<Tokenizer> train_sentencepiece(const TokenizerTraining& options,
                                               TrainingText& text);

}  // namespace zoo
