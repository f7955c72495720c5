// The Unicode classes of a code point, exactly as in the reference tokenizers: general categories
// and a few scripts from their regular expression engines, and the tables of some of their
// pre-tokenizers. scripts/make_unicode_tables.py reads them all from the packages.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace zoo::unicode {

/// A set of classes, one bit each.
using Classes = uint64_t;

enum : Classes {
  // General categories: each code point has one. Surrogates do not occur in UTF-8.
  kLu = 1ull << 0,
  kLl = 1ull << 1,
  kLt = 1ull << 2,
  kLm = 1ull << 3,
  kLo = 1ull << 4,
  kMn = 1ull << 5,
  kMc = 1ull << 6,
  kMe = 1ull << 7,
  kNd = 1ull << 8,
  kNl = 1ull << 9,
  kNo = 1ull << 10,
  kPc = 1ull << 11,
  kPd = 1ull << 12,
  kPs = 1ull << 13,
  kPe = 1ull << 14,
  kPi = 1ull << 15,
  kPf = 1ull << 16,
  kPo = 1ull << 17,
  kSm = 1ull << 18,
  kSc = 1ull << 19,
  kSk = 1ull << 20,
  kSo = 1ull << 21,
  kZs = 1ull << 22,
  kZl = 1ull << 23,
  kZp = 1ull << 24,
  kCc = 1ull << 25,
  kCf = 1ull << 26,
  kCo = 1ull << 27,
  kCn = 1ull << 28,
  // Scripts, as in \p{Han}.
  kLatin = 1ull << 32,
  kGreek = 1ull << 33,
  kCyrillic = 1ull << 34,
  kHebrew = 1ull << 35,
  kArabic = 1ull << 36,
  kDevanagari = 1ull << 37,
  kThai = 1ull << 38,
  kHangul = 1ull << 39,
  kHiragana = 1ull << 40,
  kKatakana = 1ull << 41,
  kHan = 1ull << 42,
  // Others.
  kSpace = 1ull << 48,        ///< \s
  kWord = 1ull << 49,         ///< \w of Rust, and of the pre-tokenizer Whitespace
  kNumeric = 1ull << 50,      ///< the pre-tokenizer Digits (newer than \p{N})
  kPunctuation = 1ull << 51,  ///< the pre-tokenizer Punctuation (older than \p{P}; all ASCII signs)
};

constexpr Classes kLetter = kLu | kLl | kLt | kLm | kLo;
constexpr Classes kMark = kMn | kMc | kMe;
constexpr Classes kNumber = kNd | kNl | kNo;

/// All classes of a code point up to U+10FFFF.
Classes classes_of(char32_t code);

/// Whether it is in \s, or in \w.
inline bool is_space(char32_t code) { return (classes_of(code) & kSpace) != 0; }
inline bool is_word(char32_t code) { return (classes_of(code) & kWord) != 0; }

/// From the name in \p{...}: "L", "Lu", "Han". nullopt for an unknown name.
std::optional<Classes> classes_named(std::string_view name);

/// The code points in blocks of 256, with equal blocks stored once. Sets of code points are built
/// from it.
struct Table {
  std::vector<uint16_t> block_of;  ///< one for each 256 code points
  std::vector<uint8_t> kinds;      ///< block after block
  const Classes* classes_of_kind;  ///< index: kind
  static constexpr size_t kBlock = 256;
};
const Table& table();

}  // namespace zoo::unicode
