#include "tokenizers/text/graphemes.h"

#include <cstdint>

#include "tokenizers/text/code_point_map.h"
#include "tokenizers/text/normalization_tables.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

struct Classed {
  char32_t first, last;
  uint8_t number;
};
#include "tokenizers/text/graphemes_data.inc"

CodePointMap<Class> make_classes() {
  CodePointMap<Class> classes;
  for (const Classed& range : kClasses) {
    for (char32_t code = range.first; code <= range.last; ++code) {
      classes.at(code) = static_cast<Class>(range.number);
    }
  }
  return classes;
}

Class class_of(char32_t code) {
  static const CodePointMap<Class> kClassOf = make_classes();
  if (hangul::is_syllable(code)) {
    const bool has_tail = (code - hangul::kSyllable) % hangul::kTails != 0;
    return has_tail ? Class::kHangulLVT : Class::kHangulLV;
  }
  return kClassOf[code];
}

bool extends(Class c) {
  return c == Class::kExtend || c == Class::kExtendOnly || c == Class::kLinker;
}

/// Rules GB6 to GB8.
bool joins_syllable(Class before, Class c) {
  switch (before) {
    case Class::kHangulL:
      return c == Class::kHangulL || c == Class::kHangulV || c == Class::kHangulLV ||
             c == Class::kHangulLVT;
    case Class::kHangulV:
    case Class::kHangulLV:
      return c == Class::kHangulV || c == Class::kHangulT;
    case Class::kHangulT:
    case Class::kHangulLVT:
      return c == Class::kHangulT;
    default:
      return false;
  }
}

/// The end of the current cluster, as far back as the rules look.
class Cluster {
 public:
  explicit Cluster(Class first) { take(first); }

  bool joins(Class c) const {
    if (last_ == Class::kControl || c == Class::kControl) return false;              // GB4, GB5
    if (extends(c) || c == Class::kJoiner || c == Class::kSpacingMark) return true;  // GB9, GB9a
    if (last_ == Class::kPrepend) return true;                                       // GB9b
    if (c == Class::kConsonant && conjunct_ == Conjunct::kLinked) return true;       // GB9c
    if (c == Class::kPictograph && pictograph_ == Pictograph::kJoined) return true;  // GB11
    return joins_syllable(last_, c);
  }

  void take(Class c) {
    if (c == Class::kConsonant) {
      conjunct_ = Conjunct::kConsonant;
    } else if (c == Class::kLinker && conjunct_ != Conjunct::kNone) {
      conjunct_ = Conjunct::kLinked;
    } else if (c != Class::kExtend && c != Class::kJoiner) {
      conjunct_ = Conjunct::kNone;
    }
    if (c == Class::kPictograph) {
      pictograph_ = Pictograph::kSeen;
    } else if (c == Class::kJoiner && pictograph_ == Pictograph::kSeen) {
      pictograph_ = Pictograph::kJoined;
    } else if (!extends(c) || pictograph_ == Pictograph::kJoined) {
      pictograph_ = Pictograph::kNone;
    }
    last_ = c;
  }

 private:
  enum class Conjunct { kNone, kConsonant, kLinked };  // consonant, then marks with a virama
  enum class Pictograph { kNone, kSeen, kJoined };     // pictograph, marks, then U+200D
  Class last_ = Class::kOther;
  Conjunct conjunct_ = Conjunct::kNone;
  Pictograph pictograph_ = Pictograph::kNone;
};

}  // namespace

size_t first_grapheme(std::string_view text) {
  if (text.starts_with("\r\n")) return 2;  // GB3
  utf8::Character c = utf8::first(text);
  if (!c.valid) return 1;
  Cluster cluster(class_of(c.code));
  size_t size = c.size;
  while (size < text.size()) {
    c = utf8::first(text.substr(size));
    const Class next = class_of(c.code);
    if (!c.valid || !cluster.joins(next)) break;
    cluster.take(next);
    size += c.size;
  }
  return size;
}

}  // namespace zoo
