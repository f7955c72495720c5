// Per-character data for normalization.cpp, built from normalization_data.inc once per program.
#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "tokenizers/text/code_point_map.h"

namespace zoo {

/// Hangul syllables are composed and decomposed by arithmetic: The Unicode Standard, section 3.12.
namespace hangul {
constexpr char32_t kSyllable = 0xAC00, kLead = 0x1100, kVowel = 0x1161, kTail = 0x11A7;
constexpr char32_t kLeads = 19, kVowels = 21, kTails = 28, kSyllables = kLeads * kVowels * kTails;
inline bool is_syllable(char32_t code) { return code - kSyllable < kSyllables; }
}  // namespace hangul

class NormalizationTables {
 public:
  /// For all characters except Hangul syllables.
  struct Properties {
    uint16_t canonical = 0, compatible = 0, lower = 0;  ///< sequence numbers; 0: unchanged
    uint8_t order = 0;        ///< rank of the canonical combining class; 0 for a starter
    bool is_second = false;   ///< composes with some preceding character
    bool changes_c = false;   ///< NFC changes it even on its own
    bool changes_kc = false;  ///< NFKC changes it even on its own
    bool is_mark = false;
  };

  NormalizationTables();

  const Properties& operator[](char32_t code) const { return of_[code]; }
  /// Decompositions are complete and in canonical order. `compatible` is 0 if it equals the
  /// canonical one.
  const std::u32string& sequence(uint16_t number) const { return sequences_[number]; }
  /// 0 if the two do not compose.
  char32_t compose(char32_t first, char32_t second) const;

 private:
  struct Builder;
  std::vector<std::u32string> sequences_ = {{}};
  CodePointMap<Properties> of_;
  std::unordered_map<uint64_t, char32_t> composed_;  // key: first << 32 | second
};

const NormalizationTables& normalization_tables();

}  // namespace zoo
