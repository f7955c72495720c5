// Two-level table: code point / 256 -> block, (block, code point % 256) -> kind, kind -> classes.
#include "tokenizers/text/unicode_classes.h"

#include <algorithm>
#include <iterator>
#include <map>

namespace zoo::unicode {
namespace {

struct Range {
  uint32_t first;
  uint8_t kind;
};

#include "tokenizers/text/unicode_classes_data.inc"

constexpr size_t kCodePoints = 0x110000;

Table make_table() {
  std::vector<uint8_t> whole(kCodePoints);
  for (size_t i = 0; i < std::size(kRanges); ++i) {
    const size_t end = i + 1 < std::size(kRanges) ? kRanges[i + 1].first : kCodePoints;
    std::fill(whole.data() + kRanges[i].first, whole.data() + end, kRanges[i].kind);
  }
  Table made{.block_of = {}, .kinds = {}, .classes_of_kind = kKinds};
  std::map<std::basic_string_view<uint8_t>, uint16_t> known;
  for (size_t begin = 0; begin < kCodePoints; begin += Table::kBlock) {
    const std::basic_string_view<uint8_t> block(whole.data() + begin, Table::kBlock);
    const auto [found, is_new] = known.emplace(block, static_cast<uint16_t>(known.size()));
    if (is_new) made.kinds.insert(made.kinds.end(), block.begin(), block.end());
    made.block_of.push_back(found->second);
  }
  return made;
}

struct Name {
  std::string_view name;
  Classes classes;
};

constexpr Name kNames[] = {
    {"L", kLetter},
    {"M", kMark},
    {"N", kNumber},
    {"P", kPc | kPd | kPs | kPe | kPi | kPf | kPo},
    {"S", kSm | kSc | kSk | kSo},
    {"Z", kZs | kZl | kZp},
    {"C", kCc | kCf | kCo | kCn},
    {"Lu", kLu},
    {"Ll", kLl},
    {"Lt", kLt},
    {"Lm", kLm},
    {"Lo", kLo},
    {"Mn", kMn},
    {"Mc", kMc},
    {"Me", kMe},
    {"Nd", kNd},
    {"Nl", kNl},
    {"No", kNo},
    {"Pc", kPc},
    {"Pd", kPd},
    {"Ps", kPs},
    {"Pe", kPe},
    {"Pi", kPi},
    {"Pf", kPf},
    {"Po", kPo},
    {"Sm", kSm},
    {"Sc", kSc},
    {"Sk", kSk},
    {"So", kSo},
    {"Zs", kZs},
    {"Zl", kZl},
    {"Zp", kZp},
    {"Cc", kCc},
    {"Cf", kCf},
    {"Co", kCo},
    {"Cn", kCn},
    {"Letter", kLetter},
    {"Mark", kMark},
    {"Number", kNumber},
    {"Latin", kLatin},
    {"Greek", kGreek},
    {"Cyrillic", kCyrillic},
    {"Hebrew", kHebrew},
    {"Arabic", kArabic},
    {"Devanagari", kDevanagari},
    {"Thai", kThai},
    {"Hangul", kHangul},
    {"Hiragana", kHiragana},
    {"Katakana", kKatakana},
    {"Han", kHan},
};

}  // namespace

const Table& table() {
  static const Table made = make_table();
  return made;
}

Classes classes_of(char32_t code) {
  const Table& t = table();
  const size_t block = t.block_of[code / Table::kBlock];
  return t.classes_of_kind[t.kinds[block * Table::kBlock + code % Table::kBlock]];
}

std::optional<Classes> classes_named(std::string_view name) {
  const auto* found = std::find_if(std::begin(kNames), std::end(kNames),
                                   [&](const Name& n) { return n.name == name; });
  if (found == std::end(kNames)) return std::nullopt;
  return found->classes;
}

}  // namespace zoo::unicode
