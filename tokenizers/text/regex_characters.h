// The characters of a regular expression: escapes, classes and [...]. Part of regex.h.
#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "tokenizers/text/code_point_set.h"
#include "tokenizers/text/regex.h"

namespace zoo::regex {

/// Throws "cannot read a regular expression at its byte 1 ('{2}?'): ...", in one line.
[[noreturn]] void refuse(std::string_view pattern, size_t at, std::string_view why);

bool is_ascii_letter(char32_t code);
bool is_ascii_alphanumeric(char32_t code);

/// A pattern and the current position in it. All members throw std::runtime_error with that
/// position.
class PatternReader {
 public:
  PatternReader(std::string_view pattern, Regex::Dialect dialect);

  bool done() const { return at_ == pattern_.size(); }
  /// The next byte; zero at the end.
  char peek() const { return done() ? '\0' : pattern_[at_]; }
  bool starts(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }
  bool take(std::string_view text);
  [[noreturn]] void fail(std::string_view why) const { refuse(pattern_, at_, why); }

  char32_t character();
  /// Starts at the backslash.
  char32_t escaped_character();
  /// \s \S \d \D \w \W \h \H \p{..} \P{..}; nullopt, without advancing, for another escape. alone:
  /// not inside [...].
  std::optional<CodePointSet> class_escape(bool alone);
  /// [...], starting at the bracket.
  CodePointSet bracket();
  /// The code points that a literal matches: itself and, if case is ignored, its other cases.
  std::vector<CodePointSet::Range> with_other_cases(char32_t code) const;

  bool ignore_case = false;

 protected:
  /// \w; alone: not inside [...].
  CodePointSet word(bool alone) const;
  const std::string_view pattern_;
  const bool oniguruma_;
  size_t at_ = 0;

 private:
  using Ranges = std::vector<CodePointSet::Range>;
  CodePointSet posix_class();
  void check_has_no_case(char32_t first, char32_t last) const;
  CodePointSet property(size_t begin, bool negative);
  char32_t hexadecimal(size_t begin, size_t fewest, size_t most, std::string_view closing);
  void item(CodePointSet& set, Ranges& ranges, size_t first);

  size_t depth_ = 0;
};

}  // namespace zoo::regex
