#include "train/program/tokenizer_choice.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <stdexcept>

#include "base/option_checks.h"
#include "base/usage_error.h"
#include "tokenizers/tokenizer.h"
#include "train/program/usage.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

TokenizerKind kind_to_train(const TokenizerOptions& o) {
  for (const auto& [kind, name] : EnumNames<TokenizerKind>::values) {
    const bool allowed =
        o.kinds.empty() || std::find(o.kinds.begin(), o.kinds.end(), kind) != o.kinds.end();
    if (allowed && name == o.tokenizer) return kind;
  }
  throw UsageError(
      fmt::format("--tokenizer {}: no such folder, and no kind to train here; known are: {}",
                  o.tokenizer, known_kinds(o)));
}

}  // namespace

std::string known_kinds(const TokenizerOptions& options) {
  if (options.kinds.empty()) return known_names<TokenizerKind>();
  std::vector<std::string_view> names;
  for (const auto kind : options.kinds) names.push_back(name_of(kind));
  return fmt::format("{}", fmt::join(names, ", "));
}

void check(const TokenizerOptions& o) {
  require_option(o.vocab_size >= 0, "vocab-size", o.vocab_size, "0 or more");
}

bool brings_tokenizer(const TokenizerOptions& options, const TrainCommand& command) {
  return !command.source().empty() || fs::is_directory(options.tokenizer);
}

void note_unused(const TokenizerOptions& options, const TrainCommand& command) {
  if (brings_tokenizer(options, command))
    note_changed(command, {"vocab-size"}, "to a tokenizer that is there already");
  else if (options.marks_ends && options.tokenizer == name_of(TokenizerKind::kCharacter))
    note_changed(command, {"vocab-size"}, "to --tokenizer character, which takes all");
}

void settle_tokenizer(TokenizerOptions& options, const fs::path& folder,
                      const TrainCommand& command) {
  if (!command.resume.empty()) return;  // its tokenizer lies in each checkpoint
  const std::string asked = options.tokenizer;
  if (command.init_from.empty() || !command.has("tokenizer")) {
    options.tokenizer = folder.string();
  } else if (!fs::is_directory(asked)) {
    if (const std::string kind = load_tokenizer(folder)->kind(); kind != asked) {
      throw UsageError(fmt::format(
          "--tokenizer {} cannot be trained anew: the model in '{}' brings its own ({})", asked,
          folder.string(), kind));
    }
    options.tokenizer = folder.string();
  }
}

std::shared_ptr<const Tokenizer> make_tokenizer(const TokenizerOptions& options,
                                                const TrainTokenizer& train) {
  if (fs::is_directory(options.tokenizer)) return load_tokenizer(options.tokenizer);
  TokenizerTraining training{.kind = kind_to_train(options),
                             .vocab_size = options.vocab_size,
                             .specials = options.marks_ends};
  if (options.marks_ends && training.kind == TokenizerKind::kCharacter) {
    training.sequence_tokens = training.unknown = true;
    training.vocab_size = 0;
  }
  return train(training);
}

int64_t vocabulary_for(const Tokenizer& tokenizer, int64_t of_checkpoint,
                       const TrainCommand& command) {
  const int64_t ids = tokenizer.vocab_size();
  if (command.source().empty()) return ids;
  if (ids <= of_checkpoint) return of_checkpoint;
  throw std::runtime_error(
      fmt::format("the tokenizer has {} ids, the model in '{}' only {}; use the tokenizer that "
                  "belongs to the model",
                  ids, command.source(), of_checkpoint));
}

}  // namespace zoo
