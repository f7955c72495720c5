// --tokenizer and --vocab-size: the same in all programs that train on text.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/tokenizer.h"
#include "tokenizers/training/trainers.h"
#include "train/program/train_command.h"

namespace zoo {

struct TokenizerOptions {
  std::string tokenizer;   ///< folder of a tokenizer, or the kind to train
  int64_t vocab_size = 0;  ///< of one trained here; 0: the kind's default
  // The family's part.
  std::string_view trained_on = "the data";
  std::vector<TokenizerKind> kinds = {};  ///< those that can be trained here; empty: all
  /// Special tokens mark the beginning and end of texts. If false: running text, split anywhere.
  bool marks_ends = true;
};

/// "byte-bpe, character"
std::string known_kinds(const TokenizerOptions& options);

template <class Visitor>
void visit(TokenizerOptions& o, Visitor&& v) {
  v("tokenizer", o.tokenizer,
    "Folder of a tokenizer, or a kind to train on " + std::string(o.trained_on) + ": " +
        known_kinds(o));
  v("vocab-size", o.vocab_size, "Ids of a tokenizer trained here (0: the kind's default)");
}

/// Throws std::invalid_argument for values out of range.
void check(const TokenizerOptions& options);

/// Whether no tokenizer is trained: a folder is given, or it comes with the model.
bool brings_tokenizer(const TokenizerOptions& options, const TrainCommand& command);

/// Prints a note for a --vocab-size without effect.
void note_unused(const TokenizerOptions& options, const TrainCommand& command);

/// A model from `folder` comes with its tokenizer. The user may name the folder of another one, but
/// not a kind to train: the model would not know its ids. Throws UsageError.
void settle_tokenizer(TokenizerOptions& options, const std::filesystem::path& folder,
                      const TrainCommand& command);

using TrainTokenizer = std::function<std::unique_ptr<Tokenizer>(const TokenizerTraining&)>;
/// Loads or trains the tokenizer of a new run. Throws UsageError for a value that is neither a
/// folder nor a kind.
std::shared_ptr<const Tokenizer> make_tokenizer(const TokenizerOptions& options,
                                                const TrainTokenizer& train);

/// The model's vocabulary size: the tokenizer's, or `of_checkpoint` if the model comes from one.
/// Throws std::runtime_error if the tokenizer has ids that the checkpoint lacks.
int64_t vocabulary_for(const Tokenizer& tokenizer, int64_t of_checkpoint,
                       const TrainCommand& command);

}  // namespace zoo
