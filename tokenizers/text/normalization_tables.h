// What normalization.cpp knows of each character: filled from normalization_data.inc once a
// program.
#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "tokenizers/text/code_point_map.h"

namespace zoo {

/// Syllables are composed and decomposed by arithmetic: The Unicode Standard, section 3.12.
namespace hangul {
constexpr char32_t kSyllable = 0xAC00, kLead = 0x1100, kVowel = 0x1161, kTail = 0x11A7;
constexpr char32_t kLeads = 19, kVowels = 21, kTails = 28, kSyllables = kLeads * kVowels * kTails;
inline bool is_syllable(char32_t code) { return code - kSyllable < kSyllables; }
}  // namespace hangul

class NormalizationTables {
 public:
  /// For all but Hangul syllables.
  struct Properties {
    uint16_t canonical = 0, compatible = 0, lower = 0;  ///< numbers of sequences; 0: as it is
    uint8_t order = 0;        ///< rank of the canonical combining class; 0 for a starter
    bool is_second = false;   ///< some character to its left composes with it
    bool changes_c = false;   ///< NFC writes something else even where it stands alone
    bool changes_kc = false;  ///< so does NFKC
    bool is_mark = false;
  };

  NormalizationTables();

  const Properties& operator[](char32_t code) const { return of_[code]; }
  /// Decompositions are complete and in canonical order. `compatible` is 0 where it is as the
  /// canonical one.
  const std::u32string& sequence(uint16_t number) const { return sequences_[number]; }
  /// 0 where the two do not compose.
  char32_t compose(char32_t first, char32_t second) const;

 private:
  struct Builder;
  std::vector<std::u32string> sequences_ = {{}};
  CodePointMap<Properties> of_;
  std::unordered_map<uint64_t, char32_t> composed_;  // by first << 32 | second
};

const NormalizationTables& normalization_tables();

}  // namespace zoo
