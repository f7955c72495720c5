// Regular expressions. The published patterns of tokenizers, and most others, run on a backtracking
// matcher with the Unicode classes of the reference (unicode_classes.h); what it does not know is
// left to the Oniguruma library, with the same classes (regex_library.h).
//
// The matcher knows alternation, groups (a capturing group is a plain one), (?i:...), (?>...),
// lookahead and lookbehind of a fixed length, ^ $ \A \z \b \B, `.`, classes with ranges, negation,
// nesting and
// &&, \s \d \w \h \p{..} [:alpha:], escapes, * + ? {m,n} greedy, lazy and possessive. What the
// library does not know either (and in Rust's dialect all else) is refused with its place in the
// pattern.
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
  /// Whose dialect. They differ in what $ is (Oniguruma, of the `tokenizers` package: the end of a
  /// line; Rust, of `tiktoken`: the end of the text), in {m,n}+ (a repeated repetition, or a
  /// possessive one), and in six characters of \w.
  enum class Dialect { kOniguruma, kRust };

  /// Throws std::runtime_error, one line.
  explicit Regex(std::string_view pattern, Dialect dialect = Dialect::kOniguruma);

  /// That finds the text as it is written.
  static Regex of_text(std::string_view text);

  const std::string& pattern() const { return pattern_; }

  /// The matches of a text from left to right. Each invalid byte counts as one U+FFFD.
  class Matches {
   public:
    /// Both must outlive it.
    Matches(const Regex& regex, std::string_view text) : regex_(&regex) { restart(text); }
    /// Another text; quicker than a new object.
    void restart(std::string_view text);
    /// False when there are no more. An empty match right after another match is left out. Throws
    /// std::runtime_error where a pattern needs more steps than 1000 a byte (none of the published
    /// ones does, whatever the text).
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
    // For the library, a text that is no UTF-8 is copied with U+FFFD for each invalid byte; the
    // last place that was counted back.
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
