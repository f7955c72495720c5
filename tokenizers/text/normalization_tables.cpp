#include "tokenizers/text/normalization_tables.h"

#include <algorithm>
#include <iterator>

namespace zoo {
namespace {

struct Pair {
  char32_t composed, first, second;
};
struct Run {
  char32_t first, last, step, to;
};
struct Ranked {
  char32_t first, last;
  uint8_t rank;
};
struct Range {
  char32_t first, last;
};
#include "tokenizers/text/normalization_data.inc"

uint64_t key(char32_t first, char32_t second) { return uint64_t{first} << 32 | second; }

}  // namespace

struct NormalizationTables::Builder {
  NormalizationTables& tables;

  uint16_t add_sequence(std::u32string characters) {
    tables.sequences_.push_back(std::move(characters));
    return static_cast<uint16_t>(tables.sequences_.size() - 1);
  }

  /// Number of the full decomposition. If the first character is itself composed, its own pair may
  /// come later in the table.
  uint16_t add_pair(const Pair& pair) {
    uint16_t& number = tables.of_.at(pair.composed).canonical;
    if (number != 0) return number;
    const auto inner = std::find_if(std::begin(kPairs), std::end(kPairs),
                                    [&](const Pair& p) { return p.composed == pair.first; });
    std::u32string spelled = inner == std::end(kPairs) ? std::u32string(1, pair.first)
                                                       : tables.sequence(add_pair(*inner));
    spelled += pair.second;
    tables.composed_.emplace(key(pair.first, pair.second), pair.composed);
    tables.of_.at(pair.second).is_second = true;
    return tables.of_.at(pair.composed).canonical = add_sequence(std::move(spelled));
  }

  void set(char32_t code, uint16_t Properties::*where, std::u32string characters) {
    Properties& of = tables.of_.at(code);
    of.*where = add_sequence(std::move(characters));
    of.changes_c |= where == &Properties::canonical;
    of.changes_kc |= where != &Properties::lower;
  }

  template <size_t n>
  void add_spelled(const uint32_t (&table)[n], uint16_t Properties::*where) {
    for (size_t i = 0; i < n;) {
      const size_t size = table[i] >> 24;
      std::u32string characters(table + i + 1, table + i + 1 + size);
      set(table[i] & 0xFFFFFF, where, std::move(characters));
      i += 1 + size;
    }
  }

  template <size_t n>
  void add_runs(const Run (&table)[n], uint16_t Properties::*where) {
    for (const Run& run : table) {
      for (char32_t code = run.first; code <= run.last; code += run.step) {
        set(code, where, std::u32string(1, run.to + code - run.first));
      }
    }
  }
};

NormalizationTables::NormalizationTables() {
  Builder builder{*this};
  for (const Pair& pair : kPairs) builder.add_pair(pair);
  builder.add_spelled(kCanonical, &Properties::canonical);
  builder.add_spelled(kCompatible, &Properties::compatible);
  builder.add_runs(kCompatibleRuns, &Properties::compatible);
  builder.add_spelled(kLower, &Properties::lower);
  builder.add_runs(kLowerRuns, &Properties::lower);
  for (const Ranked& range : kCombiningOrder) {
    for (char32_t code = range.first; code <= range.last; ++code) of_.at(code).order = range.rank;
  }
  for (const Range& range : kCombiningMarks) {
    for (char32_t code = range.first; code <= range.last; ++code) of_.at(code).is_mark = true;
  }
  using namespace hangul;
  for (char32_t code = kVowel; code < kVowel + kVowels; ++code) of_.at(code).is_second = true;
  for (char32_t code = kTail + 1; code < kTail + kTails; ++code) of_.at(code).is_second = true;
}

char32_t NormalizationTables::compose(char32_t first, char32_t second) const {
  using namespace hangul;
  if (!of_[second].is_second) return 0;
  if (first - kLead < kLeads && second - kVowel < kVowels) {
    return kSyllable + ((first - kLead) * kVowels + second - kVowel) * kTails;
  }
  if (is_syllable(first) && (first - kSyllable) % kTails == 0 && second - kTail - 1 < kTails - 1) {
    return first + second - kTail;
  }
  const auto found = composed_.find(key(first, second));
  return found == composed_.end() ? 0 : found->second;
}

const NormalizationTables& normalization_tables() {
  static const NormalizationTables made;
  return made;
}

}  // namespace zoo
