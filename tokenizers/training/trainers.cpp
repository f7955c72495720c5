// Chooses a trainer; trains the character vocabulary.
#include "tokenizers/training/trainers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <map>
#include <stdexcept>

#include "base/option_checks.h"
#include "tokenizers/character.h"
#include "tokenizers/text/unicode_classes.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

constexpr int64_t kLargestVocabulary = 10'000'000;

void check_number(const char* option, int64_t value, int64_t low, int64_t high) {
  require_option(value >= low && value <= high, option, value, fmt::format("{} to {}", low, high));
}

/// Refuses an option that was changed from its default but does not apply to the kind.
void check_kind(const char* option, bool changed, bool fits, const std::string& kinds) {
  if (changed && !fits) throw OptionError(fmt::format("{} is for {}", option_name(option), kinds));
}

/// Control characters anywhere, or white space at either end: vocab.txt and merges.txt could not
/// hold such a token.
bool has_odd_space(const std::string& token) {
  for (std::string_view rest = token; !rest.empty();) {
    const utf8::Character c = utf8::first(rest);
    const bool at_an_end = rest.size() == token.size() || rest.size() == c.size;
    if (c.code < 0x20 || (at_an_end && unicode::is_space(c.code))) return true;
    rest.remove_prefix(c.size);
  }
  return false;
}

void check_special_tokens(const TokenizerTraining& o) {
  const auto refuse = [](const std::string& why) {
    throw OptionError(option_name("special-tokens") + why);
  };
  std::vector<std::string> tokens = o.special_tokens;
  if (tokens.size() == 1 && tokens[0].empty()) tokens.clear();
  for (const std::string& token : tokens) {
    if (token.empty()) refuse(": one is empty");
    if (utf8::find_invalid(token) != std::string_view::npos) {
      refuse(": one is not valid UTF-8");
    }
    if (has_odd_space(token)) {
      refuse(": one begins or ends with white space, or has a control character");
    }
    if (std::count(tokens.begin(), tokens.end(), token) > 1) {
      refuse(fmt::format(": '{}' is given twice", token));
    }
  }
  if (o.kind != TokenizerKind::kWordPiece || o.special_tokens.empty()) return;
  for (const std::string& needed : bert_special_tokens()) {
    if (std::find(tokens.begin(), tokens.end(), needed) == tokens.end()) {
      refuse(fmt::format(" of wordpiece must have {} among them; give {} as well",
                         fmt::join(bert_special_tokens(), " "), needed));
    }
  }
}

void check(const TokenizerTraining& o) {
  using enum TokenizerKind;
  const TokenizerTraining usual;
  check_number("vocab-size", o.vocab_size, 0, kLargestVocabulary);
  check_number("threads", o.threads, 1, 128);
  check_number("min-frequency", o.min_frequency, 0, std::numeric_limits<int64_t>::max());
  check_number("limit-alphabet", o.limit_alphabet, 0, 0x110000);
  check_number("trace", o.trace, 0, kLargestVocabulary);
  require_option(o.coverage >= 0.98 && o.coverage <= 1, "coverage", o.coverage, "0.98 to 1");
  const char* const merging = "byte-bpe, wordpiece and bpe";
  check_kind("lossy", o.lossy, o.kind == kSentencePieceBpe || o.kind == kSentencePieceUnigram,
             "the sentencepiece kinds");
  check_kind("unknown", o.unknown, o.kind == kCharacter, "the character kind");
  check_kind("sequence-tokens", o.sequence_tokens, o.kind == kCharacter, "the character kind");
  check_kind("min-frequency", o.min_frequency != usual.min_frequency, is_merging(o.kind), merging);
  check_kind("special-tokens", !o.special_tokens.empty(), is_merging(o.kind), merging);
  check_kind("trace", o.trace != 0, is_merging(o.kind), merging);
  check_kind("cased", o.cased, o.kind == kWordPiece, "wordpiece");
  check_kind("limit-alphabet", o.limit_alphabet != usual.limit_alphabet,
             o.kind == kWordPiece || o.kind == kBpe,
             "wordpiece and bpe: the alphabet of byte-bpe is always the 256 bytes");
  check_kind("pattern", o.pattern != usual.pattern, o.kind == kByteBpe, "byte-bpe");
  check_kind("add-prefix-space", o.add_prefix_space,
             o.kind == kByteBpe && o.pattern == WordPattern::kGpt2,
             "byte-bpe with " + option_name("pattern") + " gpt2");
  check_special_tokens(o);
}

}  // namespace

std::vector<std::string> bert_special_tokens() {
  return {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
}

bool is_merging(TokenizerKind kind) {
  return kind == TokenizerKind::kByteBpe || kind == TokenizerKind::kWordPiece ||
         kind == TokenizerKind::kBpe;
}

std::unique_ptr<Tokenizer> train_character(const TokenizerTraining& options, TrainingText& text) {
  std::map<char32_t, uint64_t> counts;  // by code point, which is the order of the ids
  for (std::string piece; text.next(piece);) {
    for (std::string_view rest = piece; !rest.empty();) {
      const utf8::Character c = utf8::first(rest);
      ++counts[c.code];
      rest.remove_prefix(c.size);
    }
  }
  const auto wanted = static_cast<size_t>(options.vocab_size);
  const CharacterSpecials specials{.sequence = options.sequence_tokens, .unknown = options.unknown};
  const size_t room = (specials.sequence ? 3 : 0) + (specials.unknown ? 1 : 0);
  const size_t needed = counts.size() + room;
  if (wanted != 0 && wanted < needed) {
    if (!options.unknown) {
      throw OptionError(fmt::format(
          "the text has {} different characters, {} is {}: give {} or more, or {} to make the "
          "rarest <unk>",
          counts.size(), option_name("vocab-size"), wanted, needed, option_name("unknown")));
    }
    if (wanted <= room) {
      throw OptionError(fmt::format("{} must be {} or more with {}", option_name("vocab-size"),
                                    room + 1, option_name("unknown")));
    }
    std::vector<std::pair<char32_t, uint64_t>> by_count(counts.begin(), counts.end());
    std::stable_sort(by_count.begin(), by_count.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    by_count.resize(wanted - room);
    counts = {by_count.begin(), by_count.end()};
  }
  std::u32string characters;
  for (const auto& [code, count] : counts) characters += code;
  return std::make_unique<CharacterTokenizer>(std::move(characters), specials);
}

int64_t wanted_vocab_size(const TokenizerTraining& options) {
  if (options.vocab_size != 0 || options.kind == TokenizerKind::kCharacter) {
    return options.vocab_size;
  }
  return is_merging(options.kind) ? 30000 : 8000;
}

std::unique_ptr<Tokenizer> train_tokenizer(const TokenizerTraining& options,
                                           const std::vector<std::filesystem::path>& files,
                                           const TrainingWatch& watch) {
  using enum TokenizerKind;
  check(options);
  if (is_merging(options.kind)) {
    TrainingText text(files, TrainingText::Pieces::kWholeLines, /*limit=*/size_t{1} << 20);
    if (options.kind == kByteBpe) return train_byte_bpe(options, text, watch);
    if (options.kind == kWordPiece) return train_wordpiece(options, text, watch);
    return train_character_bpe(options, text, watch);
  }
  const auto pieces = options.lossy ? TrainingText::Pieces::kLines : TrainingText::Pieces::kBlocks;
  TrainingText text(files, pieces);
  return options.kind == kCharacter ? train_character(options, text)
                                    : train_sentencepiece(options, text);
}

}  // namespace zoo
