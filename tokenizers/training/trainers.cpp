// The choice of a trainer, and the character vocabulary.
#include "tokenizers/training/trainers.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <stdexcept>

#include "tokenizers/character.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

void check(const TokenizerTraining& o) {
  const bool character = o.kind == TokenizerKind::kCharacter;
  const auto refuse = [](const std::string& why) { throw std::invalid_argument(why); };
  if (o.vocab_size < 0 || o.vocab_size > 10'000'000) {
    refuse(fmt::format("--vocab-size must be 0 to 10000000, got {}", o.vocab_size));
  }
  if (!(o.coverage >= 0.98 && o.coverage <= 1)) {
    refuse(fmt::format("--coverage must be 0.98 to 1, got {}", o.coverage));
  }
  if (o.threads < 1 || o.threads > 128) {
    refuse(fmt::format("--threads must be 1 to 128, got {}", o.threads));
  }
  if (o.lossy && character) refuse("--lossy is for the sentencepiece kinds");
  if (o.unknown && !character) refuse("--unknown is for the character kind");
}

}  // namespace

std::unique_ptr<Tokenizer> train_character(const TokenizerTraining& options, TrainingText& text) {
  std::map<char32_t, uint64_t> counts;  // by code point: the order of the ids
  for (std::string piece; text.next(piece);) {
    for (std::string_view rest = piece; !rest.empty();) {
      const utf8::Character c = utf8::first(rest);
      ++counts[c.code];
      rest.remove_prefix(c.size);
    }
  }
  const auto wanted = static_cast<size_t>(options.vocab_size);
  const size_t needed = counts.size() + (options.unknown ? 1 : 0);
  if (wanted != 0 && wanted < needed) {
    if (!options.unknown) {
      throw std::runtime_error(fmt::format(
          "the text has {} different characters, --vocab-size is {}: give {} or more, or --unknown "
          "to make the rarest <unk>",
          counts.size(), wanted, counts.size()));
    }
    if (wanted < 2) throw std::runtime_error("--vocab-size must be 2 or more with --unknown");
    std::vector<std::pair<char32_t, uint64_t>> by_count(counts.begin(), counts.end());
    std::stable_sort(by_count.begin(), by_count.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    by_count.resize(wanted - 1);
    counts = {by_count.begin(), by_count.end()};
  }
  std::u32string characters;
  for (const auto& [code, count] : counts) characters += code;
  return std::make_unique<CharacterTokenizer>(std::move(characters), options.unknown);
}

std::unique_ptr<Tokenizer> train_tokenizer(const TokenizerTraining& options,
                                           const std::vector<std::filesystem::path>& files) {
  check(options);
  const auto pieces = options.lossy ? TrainingText::Pieces::kLines : TrainingText::Pieces::kBlocks;
  TrainingText text(files, pieces);
  return options.kind == TokenizerKind::kCharacter ? train_character(options, text)
                                                   : train_sentencepiece(options, text);
}

}  // namespace zoo
