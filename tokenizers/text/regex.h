// Regular expressions. The published patterns of tokenizers, and most others, run on a backtracking
// matcher with the Unicode classes of the reference (unicode_classes.h). Other patterns use the
// Oniguruma library with the same classes (regex_library.h).
//
// The matcher supports alternation, groups (capturing groups are treated as plain ones),
// (?i:...), (?>...), lookahead and lookbehind of a fixed length, ^ $ \A \z \b \B, `.`, classes with
// ranges, negation, nesting and &&, \s \d \w \h \p{..} [:alpha:], escapes, and * + ? {m,n} greedy,
// lazy and possessive. Anything that the library does not support either, and in Rust's dialect
// anything else, is an error that gives its position in the pattern.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/text/aligned_text.h"

namespace zoo {

namespace regex {
struct Instruction;
class LibraryPattern;
struct Program;
struct Set;
}  // namespace regex

class Regex {
 public:
  /// The dialects are Oniguruma's, for the `tokenizers` package, and Rust's, for `tiktoken`. They
  /// differ in $ (Oniguruma: end of a line; Rust: end of the text), in {m,n}+ (Oniguruma: a
  /// repeated repetition; Rust: a possessive one), and in six characters of \w.
  enum class Dialect { kOniguruma, kRust };

  /// Throws std::runtime_error with a one-line message.
  explicit Regex(std::string_view pattern, Dialect dialect = Dialect::kOniguruma);

  /// Matches the text literally.
  static Regex of_text(std::string_view text);

  const std::string& pattern() const { return pattern_; }

  /// The matches of a text from left to right. Each invalid byte counts as one U+FFFD.
  class Matches {
   public:
    /// Both arguments must outlive it.
    Matches(const Regex& regex, std::string_view text) : regex_(&regex) { restart(text); }
    /// Starts on another text; faster than a new object.
    void restart(std::string_view text);
    /// False when there are no more. An empty match right after another match is skipped. Throws
    /// std::runtime_error if the pattern needs more than 1000 steps per byte (no published pattern
    /// does, whatever the text).
    bool next(Span& match);

   private:
    struct Frame {
      enum Kind : uint32_t { kAlternatives, kGreedy, kLazy };
      Kind kind;
      const regex::Instruction* instruction;
      size_t position;
      uint64_t rest;  // alternatives left; where a greedy loop must stop; what a lazy one may take
    };
    bool search(Span& match);
    size_t place_in_text(size_t position);
    bool run(const regex::Instruction* instruction, size_t& position);
    bool resume(size_t base, const regex::Instruction*& instruction, size_t& position);
    bool loop(const regex::Instruction& in, size_t& position);
    bool look(const regex::Instruction& in, size_t position);
    size_t repeat(const regex::Set& set, size_t position, size_t times);
    size_t one(const regex::Set& set, size_t position) const;
    size_t character(size_t position, char32_t& code) const;
    size_t step_back(size_t position) const;
    bool at_place(const regex::Instruction& in, size_t position) const;
    void push(const Frame& frame);
    void spend(size_t steps);

    const Regex* regex_;
    std::string_view text_;
    size_t from_ = 0, last_end_ = std::string_view::npos, steps_left_ = 0;
    std::vector<Frame> stack_;
    size_t depth_ = 0;
    // The library gets a copy of text that is not valid UTF-8, with U+FFFD for each invalid byte.
    // copy_at_ and user_at_ are the last positions mapped from the copy to the text.
    std::string_view user_text_;
    std::string copy_;
    size_t copy_at_ = 0, user_at_ = 0;
  };

 private:
  std::string pattern_;
  std::shared_ptr<const regex::Program> program_;  // or else
  std::shared_ptr<const regex::LibraryPattern> library_;
};

}  // namespace zoo
