// Cut a text into units (tokens or words), shuffle them, take units until the share is reached.
#include "train/objectives/masking.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>

#include "models/batching/random.h"
#include "train/objectives/token_loss.h"

namespace zoo {
namespace {

/// Positions begin .. end - 1: what is chosen or left together.
struct Unit {
  size_t begin = 0, end = 0;
  size_t size() const { return end - begin; }
};

std::vector<Unit> units_of(std::span<const int32_t> tokens, std::span<const int32_t> words,
                           const MaskingVocabulary& vocabulary, bool whole_words) {
  std::vector<Unit> units;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (vocabulary.is_special(tokens[i])) continue;
    const bool goes_on = whole_words && !units.empty() && units.back().end == i &&
                         words[i] == words[units.back().begin];
    if (goes_on)
      ++units.back().end;
    else
      units.push_back({.begin = i, .end = i + 1});
  }
  return units;
}

/// Units in random order until `wanted` tokens are reached; one that would go beyond is left out,
/// unless it is the first.
std::vector<Unit> choose(std::vector<Unit> units, size_t wanted, std::mt19937_64& random) {
  shuffle(units, random);
  std::vector<Unit> chosen;
  size_t tokens = 0;
  for (const Unit& unit : units) {
    if (!chosen.empty() && tokens + unit.size() > wanted) continue;
    chosen.push_back(unit);
    tokens += unit.size();
    if (tokens >= wanted) break;
  }
  return chosen;
}

int32_t corrupted(int32_t token, const MaskingVocabulary& vocabulary, bool always_mask,
                  std::mt19937_64& random) {
  if (always_mask) return vocabulary.mask();
  const double lot = uniform(random);
  if (lot < kMaskedShare) return vocabulary.mask();
  if (lot >= kMaskedShare + kRandomShare) return token;
  return vocabulary.ordinary()[random() % vocabulary.ordinary().size()];
}

}  // namespace

MaskingVocabulary::MaskingVocabulary(const Tokenizer& tokenizer) {
  if (!tokenizer.mask_id()) {
    throw std::runtime_error("the " + tokenizer.kind() +
                             " tokenizer has no mask token; use a WordPiece one, or train one with "
                             "--tokenizer wordpiece");
  }
  mask_ = *tokenizer.mask_id();
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    special_.push_back(tokenizer.is_special(id));
    if (!special_.back()) ordinary_.push_back(id);
  }
  if (ordinary_.empty()) throw std::runtime_error("the tokenizer has nothing but special tokens");
}

MaskedSequence mask_tokens(std::span<const int32_t> tokens, std::span<const int32_t> words,
                           const MaskingVocabulary& vocabulary, const MaskingOptions& options,
                           const MaskingDraw& draw) {
  MaskedSequence masked{.tokens = {tokens.begin(), tokens.end()},
                        .labels = std::vector<int64_t>(tokens.size(), kIgnored)};
  const auto units = units_of(tokens, words, vocabulary, options.whole_words);
  size_t ordinary = 0;
  for (const Unit& unit : units) ordinary += unit.size();
  const double wanted = std::round(options.share * static_cast<double>(ordinary));
  auto random = generator_for({draw.seed, draw.counter});
  for (const Unit& unit : choose(units, std::max<size_t>(1, static_cast<size_t>(wanted)), random)) {
    for (size_t i = unit.begin; i < unit.end; ++i) {
      masked.labels[i] = tokens[i];
      masked.tokens[i] = corrupted(tokens[i], vocabulary, options.always_mask, random);
    }
  }
  return masked;
}

}  // namespace zoo
