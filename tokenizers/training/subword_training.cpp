#include "tokenizers/training/subword_training.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/option_error.h"
#include "tokenizers/families/byte_bpe_files.h"
#include "tokenizers/stages/normalizer.h"
#include "tokenizers/stages/pre_tokenizer.h"
#include "tokenizers/training/bpe_trainer.h"
#include "tokenizers/training/merge_trace.h"
#include "tokenizers/training/word_counts.h"

namespace zoo {
namespace {

void check_alphabet(const TokenizerTraining& options, const BpeStart& start,
                    const BpeAlphabet& alphabet) {
  const auto wanted = static_cast<size_t>(wanted_vocab_size(options));
  if (start.pieces.size() <= wanted) return;
  throw OptionError(fmt::format(
      "{} {} is too small: {} special tokens and the alphabet need {}; give more{}",
      option_name("vocab-size"), wanted, alphabet.special_tokens.size(), start.pieces.size(),
      alphabet.bytes ? "" : ", or a lower " + option_name("limit-alphabet")));
}

std::vector<BpeMerge> make_merges(BpeTrainer& trainer, const TokenizerTraining& options,
                                  const TrainingWatch& watch) {
  MergeTrace trace(trainer, watch.trace ? options.trace : 0, watch.trace);
  std::vector<BpeMerge> merges;
  while (const auto merge = trainer.next()) {
    merges.push_back(*merge);
    if (!trace.done()) {
      trace.add(*merge);
    } else if (watch.progress) {
      watch.progress("merging pairs", static_cast<int64_t>(trainer.pieces().size()),
                     wanted_vocab_size(options));
    }
  }
  return merges;
}

}  // namespace

std::vector<std::string> special_tokens_of(const TokenizerTraining& options,
                                           std::vector<std::string> otherwise) {
  if (options.special_tokens.empty()) return otherwise;
  if (options.special_tokens.front().empty()) return {};
  return options.special_tokens;
}

OrderedJson bpe_model_of(const Subwords& subwords) {
  std::vector<std::pair<std::string, int32_t>> vocabulary;
  for (const std::string& piece : subwords.pieces) {
    vocabulary.emplace_back(piece, static_cast<int32_t>(vocabulary.size()));
  }
  return bpe_model_json(vocabulary, subwords.merges);
}

Subwords train_subwords(const TokenizerTraining& options, TrainingText& text,
                        const OrderedJson& normalizer, const OrderedJson& pre_tokenizer,
                        const BpeAlphabet& alphabet, const TrainingWatch& watch) {
  const auto total = static_cast<int64_t>(text.total_bytes());
  BytesRead told;
  if (watch.progress) {
    told = [&](uint64_t bytes) {
      watch.progress("counting words", static_cast<int64_t>(bytes), total);
    };
  }
  BpeStart start;
  {
    const WordCounts words = count_words(text, make_normalizer(normalizer).get(),
                                         make_pre_tokenizer(pre_tokenizer, WordsAs::kBytes).get(),
                                         options.threads, told);
    if (words.size() == 0) {
      throw std::runtime_error("no words to train on: the files hold nothing but white space");
    }
    start = start_bpe(words, alphabet);
  }
  check_alphabet(options, start, alphabet);
  BpeTrainer trainer(std::move(start),
                     {.vocab_size = static_cast<size_t>(wanted_vocab_size(options)),
                      .min_frequency = static_cast<uint64_t>(options.min_frequency),
                      .prefix = alphabet.prefix});
  const std::vector<BpeMerge> merges = ranked(make_merges(trainer, options, watch));
  Subwords made{.pieces = trainer.pieces()};
  for (const BpeMerge& merge : merges) {
    made.merges.emplace_back(made.pieces[merge.left], made.pieces[merge.right]);
  }
  for (size_t i = 0; i < alphabet.special_tokens.size(); ++i) {
    made.special_tokens.push_back({static_cast<int32_t>(i), alphabet.special_tokens[i]});
  }
  return made;
}

}  // namespace zoo
