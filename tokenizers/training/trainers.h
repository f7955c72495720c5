// Making a tokenizer from text: one function for every kind.
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

/// How byte-level BPE cuts a text into words: the expressions of GPT-2, of tiktoken's cl100k_base
/// (GPT-4) and o200k_base (GPT-4o), of Llama 3 and of Qwen 2.
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

/// Where a kind is named, the others refuse a value other than the one here. "Merging" kinds:
/// byte-bpe, wordpiece and bpe. The defaults are those of ByteLevelBPETokenizer and
/// BertWordPieceTokenizer in the `tokenizers` package.
struct TokenizerTraining {
  TokenizerKind kind = TokenizerKind::kCharacter;
  int64_t vocab_size = 0;     ///< 0: all characters; SentencePiece 8000; merging kinds 30000
  int64_t min_frequency = 2;  ///< merging: how often a pair must stand in the text to be merged
  /// Merging: the first ids. None: <|endoftext|> for byte-bpe, [PAD] [UNK] [CLS] [SEP] [MASK] for
  /// wordpiece, <unk> for bpe. One empty text: no special tokens.
  std::vector<std::string> special_tokens = {};
  bool cased = false;             ///< wordpiece: keeps case and accents
  int64_t limit_alphabet = 1000;  ///< wordpiece, bpe: rarer characters have no piece; 0: all have
  WordPattern pattern = WordPattern::kGpt2;  ///< byte-bpe
  bool add_prefix_space = false;  ///< byte-bpe with gpt2's pattern: a space before a text
  int64_t trace = 0;              ///< merging: shows that many merges
  bool unknown = false;           ///< character: <unk> for the rarest and for those not seen
  bool sequence_tokens = false;   ///< character: <pad>, <s> and </s>, for encoder-decoders
  bool lossy = false;             ///< SentencePiece: its classical settings for translation
  double coverage = 0.9995;       ///< SentencePiece: share of the text whose characters are pieces
  bool specials = true;  ///< SentencePiece: add_special gives <s> A </s>; without it nothing
  int threads = 4;       ///< only SentencePiece's unigram scores depend on it, in the last digits
};

/// Lists the fields for command lines (app/cli.h).
template <class Visitor>
void visit(TokenizerTraining& o, Visitor&& v) {
  v("kind", o.kind, "What to train");
  v("vocab-size", o.vocab_size,
    "Number of ids; 0: all characters, 8000 for SentencePiece, 30000 for byte-bpe, wordpiece, bpe");
  v("min-frequency", o.min_frequency,
    "byte-bpe, wordpiece, bpe: how often a pair must stand in the text to be merged");
  v("special-tokens", o.special_tokens,
    "byte-bpe, wordpiece, bpe: the first ids, instead of <|endoftext|>, of [PAD] [UNK] [CLS] [SEP] "
    "[MASK], of <unk>; \"\" for none");
  v("cased", o.cased, "wordpiece: keep case and accents");
  v("limit-alphabet", o.limit_alphabet,
    "wordpiece, bpe: that many of the most frequent characters get a piece; 0: all");
  v("pattern", o.pattern, "byte-bpe: how a text is cut into words");
  v("add-prefix-space", o.add_prefix_space,
    "byte-bpe: a space before each text, so that its first word is as those inside");
  v("trace", o.trace, "byte-bpe, wordpiece, bpe: print that many merges as they are made");
  v("unknown", o.unknown, "character: an <unk> token for characters outside the vocabulary");
  v("sequence-tokens", o.sequence_tokens, "character: <pad>, <s> and </s>, for encoder-decoders");
  v("lossy", o.lossy,
    "SentencePiece: NFKC, spaces collapsed, <unk> for rare characters (classical translation)");
  v("coverage", o.coverage,
    "SentencePiece: share of the text whose characters get a piece of their own, 0.98 to 1");
  v("threads", o.threads, "Threads; part of what a SentencePiece unigram result depends on");
}

/// [PAD] [UNK] [CLS] [SEP] [MASK]
std::vector<std::string> bert_special_tokens();

/// byte-bpe, wordpiece and bpe: our own trainer, which can be watched and ends where it must.
bool is_merging(TokenizerKind kind);

/// The size that is asked for: vocab_size, or its kind's default; 0 for all characters.
int64_t wanted_vocab_size(const TokenizerTraining& options);

/// What a caller may watch; both may be empty. Calls come one at a time, from any thread, and what
/// they throw ends the training.
struct TrainingWatch {
  /// Merging kinds: "counting words" (bytes), then "merging pairs" (ids).
  std::function<void(std::string_view stage, int64_t done, int64_t total)> progress = nullptr;
  std::function<void(const std::string& line)> trace = nullptr;
};

/// Equal options and files give an equal tokenizer. A text may allow fewer ids than asked for (see
/// wanted_vocab_size): merging kinds then end sooner. Throws std::invalid_argument for options out
/// of range, std::runtime_error for text that does not allow them; both say what to do.
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
