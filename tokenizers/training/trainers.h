// Training a tokenizer from text: one function per kind.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/named_enum.h"
#include "tokenizers/tokenizer.h"
#include "tokenizers/training/training_text.h"

namespace zoo {

enum class TokenizerKind {
  kByteBpe,
  kWordPiece,
  kBpe,
  kSentencePieceBpe,
  kSentencePieceUnigram,
  kCharacter
};

template <>
struct EnumNames<TokenizerKind> {
  static constexpr std::string_view what = "tokenizer kind";
  static constexpr std::pair<TokenizerKind, std::string_view> values[] = {
      {TokenizerKind::kByteBpe, "byte-bpe"},
      {TokenizerKind::kWordPiece, "wordpiece"},
      {TokenizerKind::kBpe, "bpe"},
      {TokenizerKind::kSentencePieceBpe, "sentencepiece-bpe"},
      {TokenizerKind::kSentencePieceUnigram, "sentencepiece-unigram"},
      {TokenizerKind::kCharacter, "character"}};
};

/// The expressions with which byte-level BPE splits a text into words: those of GPT-2, of
/// tiktoken's cl100k_base (GPT-4) and o200k_base (GPT-4o), of Llama 3 and of Qwen 2.
enum class WordPattern { kGpt2, kCl100k, kO200k, kLlama3, kQwen2 };

template <>
struct EnumNames<WordPattern> {
  static constexpr std::string_view what = "pattern";
  static constexpr std::pair<WordPattern, std::string_view> values[] = {
      {WordPattern::kGpt2, "gpt2"},
      {WordPattern::kCl100k, "cl100k"},
      {WordPattern::kO200k, "o200k"},
      {WordPattern::kLlama3, "llama3"},
      {WordPattern::kQwen2, "qwen2"}};
};

/// Options for one kind must keep their defaults for other kinds. "Merging" kinds are byte-bpe,
/// wordpiece and bpe. The defaults are those of ByteLevelBPETokenizer and BertWordPieceTokenizer in
/// the `tokenizers` package.
struct TokenizerTraining {
  TokenizerKind kind = TokenizerKind::kCharacter;
  int64_t vocab_size = 0;  ///< 0: all characters; 8000 for SentencePiece; 30000 for merging kinds
  int64_t min_frequency = 2;  ///< merging: how often a pair must occur to be merged
  /// Merging: the first ids. Empty: <|endoftext|> for byte-bpe, [PAD] [UNK] [CLS] [SEP] [MASK] for
  /// wordpiece, <unk> for bpe. One empty string: no special tokens.
  std::vector<std::string> special_tokens = {};
  bool cased = false;             ///< wordpiece: keeps case and accents
  int64_t limit_alphabet = 1000;  ///< wordpiece, bpe: how many characters have a piece; 0: all
  WordPattern pattern = WordPattern::kGpt2;  ///< byte-bpe
  bool add_prefix_space = false;  ///< byte-bpe with gpt2's pattern: adds a space before each text
  int64_t trace = 0;              ///< merging: number of merges to show
  bool unknown = false;  ///< character: adds <unk> for the rarest characters and unseen ones
  bool sequence_tokens = false;  ///< character: adds <pad>, <s> and </s>, for encoder-decoders
  bool lossy = false;            ///< SentencePiece: its classical settings for translation
  double coverage = 0.9995;      ///< SentencePiece: share of the text whose characters have a piece
  bool specials = true;  ///< SentencePiece: add_special gives <s> A </s>; if false, it adds nothing
  int threads = 4;       ///< changes only SentencePiece's unigram scores, in the last digits
};

/// Lists the fields for command lines (app/cli.h).
template <class Visitor>
void visit(TokenizerTraining& o, Visitor&& v) {
  v("kind", o.kind, "What to train");
  v("vocab-size", o.vocab_size,
    "Number of ids; 0: all characters, 8000 for SentencePiece, 30000 for byte-bpe, wordpiece, bpe");
  v("min-frequency", o.min_frequency,
    "byte-bpe, wordpiece, bpe: how often a pair must occur in the text to be merged");
  v("special-tokens", o.special_tokens,
    "byte-bpe, wordpiece, bpe: the first ids, instead of <|endoftext|>, of [PAD] [UNK] [CLS] [SEP] "
    "[MASK], of <unk>; \"\" for none");
  v("cased", o.cased, "wordpiece: keep case and accents");
  v("limit-alphabet", o.limit_alphabet,
    "wordpiece, bpe: this many of the most frequent characters get a piece; 0: all");
  v("pattern", o.pattern, "byte-bpe: how a text is cut into words");
  v("add-prefix-space", o.add_prefix_space,
    "byte-bpe: a space before each text, so that its first word is like those inside");
  v("trace", o.trace, "byte-bpe, wordpiece, bpe: print this many merges as they are made");
  v("unknown", o.unknown, "character: an <unk> token for characters outside the vocabulary");
  v("sequence-tokens", o.sequence_tokens, "character: <pad>, <s> and </s>, for encoder-decoders");
  v("lossy", o.lossy,
    "SentencePiece: NFKC, spaces collapsed, <unk> for rare characters (classical translation)");
  v("coverage", o.coverage,
    "SentencePiece: share of the text whose characters get a piece of their own, 0.98 to 1");
  v("threads", o.threads, "Threads; a SentencePiece unigram vocabulary depends on their number");
}

/// [PAD] [UNK] [CLS] [SEP] [MASK]
std::vector<std::string> bert_special_tokens();

/// byte-bpe, wordpiece and bpe: our own trainer, whose progress can be watched.
bool is_merging(TokenizerKind kind);

/// The requested size: vocab_size, or the default of its kind; 0 for all characters.
int64_t wanted_vocab_size(const TokenizerTraining& options);

/// Callbacks during training; both may be empty. Calls come one at a time, from any thread, and an
/// exception ends the training.
struct TrainingWatch {
  /// Merging kinds: "counting words" (bytes), then "merging pairs" (ids).
  std::function<void(std::string_view stage, int64_t done, int64_t total)> progress = nullptr;
  std::function<void(const std::string& line)> trace = nullptr;
};

/// Equal options and files give an equal tokenizer. If the text allows fewer ids than
/// wanted_vocab_size, merging kinds end sooner. Throws OptionError for options out of range or that
/// the text does not allow, with what to do.
std::unique_ptr<Tokenizer> train_tokenizer(const TokenizerTraining& options,
                                           const std::vector<std::filesystem::path>& files,
                                           const TrainingWatch& watch = {});

std::unique_ptr<Tokenizer> train_character(const TokenizerTraining& options, TrainingText& text);
std::unique_ptr<Tokenizer> train_sentencepiece(const TokenizerTraining& options,
                                               TrainingText& text);
std::unique_ptr<Tokenizer> train_byte_bpe(const TokenizerTraining& options, TrainingText& text,
                                          const TrainingWatch& watch);
std::unique_ptr<Tokenizer> train_wordpiece(const TokenizerTraining& options, TrainingText& text,
                                           const TrainingWatch& watch);
std::unique_ptr<Tokenizer> train_character_bpe(const TokenizerTraining& options, TrainingText& text,
                                               const TrainingWatch& watch);

}  // namespace zoo
