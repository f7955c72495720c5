// Which patterns are refused, and where the dialects differ, was determined by testing both
// engines.
#include "tokenizers/text/regex_characters.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>
#include <utility>

#include "tokenizers/text/unicode_properties.h"
#include "tokenizers/text/utf8.h"

namespace zoo::regex {
namespace {

constexpr size_t kDeepestClass = 50;

constexpr char32_t kLongS = 0x17F, kKelvin = 0x212A;  // match s and k, too, if case is ignored

/// Adds the other code points that match an ASCII letter if case is ignored.
void add_other_cases(char32_t code, std::vector<CodePointSet::Range>& ranges) {
  if (!is_ascii_letter(code)) return;
  ranges.push_back({code ^ 32, code ^ 32});
  if ((code | 32) == 's') ranges.push_back({kLongS, kLongS});
  if ((code | 32) == 'k') ranges.push_back({kKelvin, kKelvin});
}

CodePointSet negated(CodePointSet set, bool negative) { return negative ? ~set : std::move(set); }

}  // namespace

bool is_ascii_letter(char32_t code) { return (code | 32) >= 'a' && (code | 32) <= 'z'; }

bool is_ascii_alphanumeric(char32_t code) {
  return is_ascii_letter(code) || (code >= '0' && code <= '9');
}

PatternReader::PatternReader(std::string_view pattern, Regex::Dialect dialect)
    : pattern_(pattern), oniguruma_(dialect == Regex::Dialect::kOniguruma) {
  if (const size_t bad = utf8::find_invalid(pattern); bad != std::string_view::npos) {
    refuse(pattern, bad, "it must be UTF-8");
  }
}

bool PatternReader::take(std::string_view text) {
  if (!starts(text)) return false;
  at_ += text.size();
  return true;
}

char32_t PatternReader::character() {
  if (done()) fail("it ends too early");
  const utf8::Character c = utf8::first(pattern_.substr(at_));
  at_ += c.size;
  return c.code;
}

std::vector<CodePointSet::Range> PatternReader::with_other_cases(char32_t code) const {
  Ranges ranges = {{code, code}};
  if (ignore_case) {
    check_has_no_case(code, code);
    add_other_cases(code, ranges);
  }
  return ranges;
}

/// (?i:...) supports only the case of ASCII letters.
void PatternReader::check_has_no_case(char32_t first, char32_t last) const {
  if (!ignore_case || last < 0x80) return;
  for (char32_t code = std::max<char32_t>(first, 0x80); code <= last; ++code) {
    if ((unicode::classes_of(code) & (unicode::kLetter | unicode::kMark)) != 0) {
      fail("without case only ASCII letters are supported");
    }
  }
}

/// \s \S \d \D \w \W \p{..} \P{..}; nullopt, without advancing, for another escape.
std::optional<CodePointSet> PatternReader::class_escape(bool alone) {
  const char letter = at_ + 1 < pattern_.size() ? pattern_[at_ + 1] : '\0';
  const size_t begin = at_;
  at_ += 2;
  const bool negative = letter == 'S' || letter == 'D' || letter == 'W' || letter == 'P';
  switch (letter) {
    case 's':
    case 'S':
      return negated(CodePointSet::with(unicode::kSpace), negative);
    case 'd':
    case 'D':
      return negated(CodePointSet::with(unicode::kNd), negative);
    case 'w':
    case 'W':
      if (ignore_case) refuse(pattern_, begin, "\\w without case is not supported");
      return negated(word(alone), negative);
    case 'p':
    case 'P':
      return property(begin, negative);
    case 'h':
    case 'H':
      if (oniguruma_) return negated(*unicode::posix_class_named("xdigit"), letter == 'H');
      [[fallthrough]];
    default:
      at_ = begin;
      return std::nullopt;
  }
}

/// Oniguruma's \w excludes the joiners and, outside [...], includes Latin-1's superscript and
/// fraction numbers.
CodePointSet PatternReader::word(bool alone) const {
  const CodePointSet rust = CodePointSet::with(unicode::kWord);
  if (!oniguruma_) return rust;
  using Range = CodePointSet::Range;
  const CodePointSet joiners = CodePointSet::of(std::array{Range{0x200C, 0x200D}});
  const CodePointSet numbers =
      CodePointSet::of(std::array{Range{0xB2, 0xB3}, Range{0xB9, 0xB9}, Range{0xBC, 0xBE}});
  return alone ? (rust | numbers) & ~joiners : rust & ~joiners;
}

CodePointSet PatternReader::property(size_t begin, bool negative) {
  if (!take("{")) refuse(pattern_, begin, "write \\p{L} with braces");
  if (take("^")) negative = !negative;
  const size_t end = pattern_.find('}', at_);
  if (end == std::string_view::npos) refuse(pattern_, begin, "\\p{ without }");
  const std::string_view name = pattern_.substr(at_, end - at_);
  const auto classes = unicode::classes_named(name);
  if (!classes) {
    auto set = oniguruma_ ? unicode::property_named(name) : std::nullopt;
    if (!set) {
      refuse(pattern_, begin,
             oniguruma_ ? "no such class is known here; known: general categories, scripts, POSIX "
                          "classes, Alphabetic, Emoji and the like"
                        : "no such class is known here; known: general categories (L, Lu, ... Cn) "
                          "and the scripts Latin, Greek, Cyrillic, Hebrew, Arabic, Devanagari, "
                          "Thai, Hangul, Hiragana, Katakana, Han");
    }
    if (ignore_case) refuse(pattern_, begin, "\\p{...} of such a class without case");
    at_ = end + 1;
    return negated(std::move(*set), negative);
  }
  constexpr unicode::Classes kHasNoCase = unicode::kNumber | unicode::kPc | unicode::kPd |
                                          unicode::kPs | unicode::kPe | unicode::kPi |
                                          unicode::kPf | unicode::kPo | unicode::kZs;
  if (ignore_case && (*classes & ~kHasNoCase) != 0) {
    refuse(pattern_, begin, "\\p{...} of letters without case is not supported");
  }
  at_ = end + 1;
  return negated(CodePointSet::with(*classes), negative);
}

char32_t PatternReader::escaped_character() {
  const size_t begin = at_++;
  const char32_t code = character();
  switch (code) {
    case 't':
      return '\t';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 'f':
      return '\f';
    case 'v':
      return '\v';
    case 'x':
      return take("{") ? hexadecimal(begin, 1, 6, "}") : hexadecimal(begin, 2, 2, "");
    case 'u':
      return hexadecimal(begin, 4, 4, "");
    default:
      break;
  }
  if (is_ascii_alphanumeric(code)) refuse(pattern_, begin, "such an escape is not supported");
  return code;
}

char32_t PatternReader::hexadecimal(size_t begin, size_t fewest, size_t most,
                                    std::string_view closing) {
  char32_t code = 0;
  size_t digits = 0;
  for (; digits < most && std::isxdigit(static_cast<unsigned char>(peek())) != 0; ++digits) {
    const char c = pattern_[at_++];
    code = code * 16 + static_cast<char32_t>(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
  }
  const bool valid = code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
  if (digits < fewest || !take(closing) || !valid) {
    refuse(pattern_, begin, "a code point must be \\xHH, \\x{H...} or \\uHHHH");
  }
  if (oniguruma_ && most == 2 && code > 0x7F) refuse(pattern_, begin, "write \\x{HH} from 80 on");
  return code;
}

CodePointSet PatternReader::bracket() {
  if (++depth_ > kDeepestClass) fail("classes are nested too deeply");
  const size_t begin = at_++;
  const bool negative = take("^");
  std::optional<CodePointSet> intersection;
  CodePointSet set;
  Ranges ranges;
  const size_t first = at_;
  while (at_ == first || peek() != ']') {
    if (done()) refuse(pattern_, begin, "'[' without ']'");
    if (starts("[:") && !oniguruma_) fail("[:name:] is not supported; use \\p{...}");
    if (starts("--") || starts("~~")) fail("differences of classes are not supported");
    if (take("&&")) {
      set = set | CodePointSet::of(ranges);
      intersection = intersection ? *intersection & set : set;
      set = {};
      ranges.clear();
    } else if (starts("[:")) {
      set = set | posix_class();
    } else if (peek() == '[') {
      set = set | bracket();
    } else {
      item(set, ranges, first);
    }
  }
  ++at_;
  --depth_;
  set = set | CodePointSet::of(ranges);
  if (intersection) set = *intersection & set;
  return negated(std::move(set), negative);
}

/// [:alpha:], [:^alpha:]
CodePointSet PatternReader::posix_class() {
  const size_t begin = at_;
  at_ += 2;
  const bool negative = take("^");
  const size_t end = pattern_.find(":]", at_);
  if (end == std::string_view::npos) refuse(pattern_, begin, "'[:' without ':]'");
  auto set = unicode::posix_class_named(pattern_.substr(at_, end - at_));
  if (!set) {
    refuse(pattern_, begin,
           "no such class; known: alnum, alpha, ascii, blank, cntrl, digit, graph, lower, print, "
           "punct, space, upper, word, xdigit");
  }
  if (ignore_case) refuse(pattern_, begin, "[:name:] without case is not supported");
  at_ = end + 2;
  return negated(std::move(*set), negative);
}

/// One character, range or class inside [...].
void PatternReader::item(CodePointSet& set, Ranges& ranges, size_t first) {
  const size_t begin = at_;
  if (peek() == '\\') {
    if (auto escaped = class_escape(/*alone=*/false)) {
      if (peek() == '-' && !starts("-]")) fail("a range cannot begin with a class; write \\-");
      set = set | *escaped;
      return;
    }
  }
  const auto one = [&] { return peek() == '\\' ? escaped_character() : character(); };
  const bool dash = peek() == '-';
  const char32_t low = one();
  char32_t high = low;
  if (dash && begin != first && peek() != ']') refuse(pattern_, begin, "write \\- for a dash");
  if (peek() == '-' && !starts("-]") && !starts("-&&")) {
    ++at_;
    if (peek() == '[') fail("a range cannot end with a class");
    high = one();
    if (high < low) refuse(pattern_, begin, "the range's ends must be in order");
  }
  ranges.push_back({low, high});
  if (!ignore_case) return;
  check_has_no_case(low, high);
  for (char32_t code = low; code <= std::min<char32_t>(high, 0x7F); ++code) {
    add_other_cases(code, ranges);
  }
}

void refuse(std::string_view pattern, size_t at, std::string_view why) {
  constexpr size_t kShown = 60;
  std::string shown;
  for (const char c : pattern.substr(std::min(at, pattern.size()), kShown)) {
    const auto byte = static_cast<unsigned char>(c);
    shown += byte < 0x20 || byte == 0x7F ? fmt::format("\\x{:02X}", byte) : std::string(1, c);
  }
  throw std::runtime_error(fmt::format("cannot read a regular expression at its byte {} ('{}'): {}",
                                       at, utf8::replace_invalid(shown), why));
}

}  // namespace zoo::regex
