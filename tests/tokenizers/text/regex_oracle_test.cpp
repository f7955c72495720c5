// The matcher against a naive one, on random expressions: trees that know both how they are written
// and what they match.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tokenizers/text/regex.h"

namespace zoo {
namespace {

using Next = std::function<bool(size_t)>;

/// An expression over the letters a, b, c and é, and how to match it: match(text, at, next) tries
/// ends in the order of preference until next(end) is true.
struct Expression {
  std::string written;
  std::function<bool(const std::string&, size_t, const Next&)> match;
  bool can_be_empty = false;
};

const std::vector<std::string> kLetters = {"a", "b", "c", "é"};

size_t letter_at(const std::string& text, size_t at) {
  for (size_t i = 0; i < kLetters.size(); ++i) {
    if (text.compare(at, kLetters[i].size(), kLetters[i]) == 0) return i;
  }
  return kLetters.size();
}

Expression random_set() {
  const int members = *rc::gen::inRange(1, 15);
  const bool negated = *rc::gen::arbitrary<bool>();
  std::string written = negated ? "[^" : "[";
  for (size_t i = 0; i < kLetters.size(); ++i) {
    if ((members >> i & 1) != 0) written += kLetters[i];
  }
  return {written + "]", [=](const std::string& text, size_t at, const Next& next) {
            const size_t letter = letter_at(text, at);
            if (letter == kLetters.size() || ((members >> letter & 1) != 0) == negated)
              return false;
            return next(at + kLetters[letter].size());
          }};
}

Expression random_letter() {
  const size_t letter = *rc::gen::inRange<size_t>(0, kLetters.size());
  return {kLetters[letter], [=](const std::string& text, size_t at, const Next& next) {
            return letter_at(text, at) == letter && next(at + kLetters[letter].size());
          }};
}

Expression sequence(const Expression& a, const Expression& b) {
  return {a.written + b.written,
          [=](const std::string& text, size_t at, const Next& next) {
            return a.match(text, at, [&](size_t middle) { return b.match(text, middle, next); });
          },
          a.can_be_empty && b.can_be_empty};
}

Expression alternatives(const Expression& a, const Expression& b) {
  return {"(?:" + a.written + "|" + b.written + ")",
          [=](const std::string& text, size_t at, const Next& next) {
            return a.match(text, at, next) || b.match(text, at, next);
          },
          a.can_be_empty || b.can_be_empty};
}

bool match_times(const Expression& inside, size_t min, size_t max, bool lazy,
                 const std::string& text, size_t at, const Next& next) {
  const auto again = [&] {
    return max > 0 && inside.match(text, at, [&](size_t end) {
      return match_times(inside, min > 0 ? min - 1 : 0, max - 1, lazy, text, end, next);
    });
  };
  if (min > 0) return again();
  return lazy ? next(at) || again() : again() || next(at);
}

Expression repeated(const Expression& inside) {
  struct Times {
    const char* written;
    size_t min, max;
  };
  const Times times = *rc::gen::elementOf(std::vector<Times>{
      {"*", 0, 99}, {"+", 1, 99}, {"?", 0, 1}, {"{1,2}", 1, 2}, {"{2,}", 2, 99}, {"{0,3}", 0, 3}});
  const char kind = *rc::gen::elementOf(std::string("g?+"));
  const bool brace = times.written[0] == '{';
  std::string written = "(?:" + inside.written + ")" + times.written;
  if (kind == '?') written += "?";
  if (kind == '+') written = brace ? "(?>" + written + ")" : written + "+";
  return {written,
          [=](const std::string& text, size_t at, const Next& next) {
            if (kind != '+') {
              return match_times(inside, times.min, times.max, kind == '?', text, at, next);
            }
            size_t only = 0;  // possessive: the first end is the only one
            return match_times(inside, times.min, times.max, false, text, at,
                               [&](size_t end) {
                                 only = end;
                                 return true;
                               }) &&
                   next(only);
          },
          times.min == 0 || inside.can_be_empty};
}

Expression ahead(const Expression& inside) {
  const bool negative = *rc::gen::arbitrary<bool>();
  return {(negative ? "(?!" : "(?=") + inside.written + ")",
          [=](const std::string& text, size_t at, const Next& next) {
            const bool found = inside.match(text, at, [](size_t) { return true; });
            return found != negative && next(at);
          },
          true};
}

Expression random_expression(int depth) {
  const int kind = *rc::gen::inRange(0, depth == 0 ? 2 : 7);
  if (kind == 0) return random_letter();
  if (kind == 1) return random_set();
  const Expression a = random_expression(depth - 1);
  if (kind == 2 && !a.can_be_empty) return repeated(a);
  if (kind == 3) return ahead(a);
  const Expression b = random_expression(depth - 1);
  return kind == 4 ? alternatives(a, b) : sequence(a, b);
}

TEST(RegexOracleTest, FindsWhatANaiveMatcherFinds) {
  EXPECT_TRUE(rc::check("first matches", [] {
    const Expression expression = random_expression(4);
    const auto letters =
        *rc::gen::container<std::vector<size_t>>(12, rc::gen::inRange<size_t>(0, kLetters.size()));
    std::string text;
    for (const size_t letter : letters) text += kLetters[letter];
    RC_LOG() << expression.written << " on " << text << "\n";
    const Regex regex(expression.written);
    Regex::Matches all(regex, text);
    Span found;
    const bool has = all.next(found);
    for (size_t at = 0; at <= text.size(); ++at) {
      if (at < text.size() && letter_at(text, at) == kLetters.size()) continue;  // inside é
      size_t end = 0;
      const bool matches = expression.match(text, at, [&](size_t e) {
        end = e;
        return true;
      });
      if (!matches) continue;
      RC_ASSERT(has);
      RC_ASSERT(found == (Span{at, end}));
      return;
    }
    RC_ASSERT(!has);
  }));
}

}  // namespace
}  // namespace zoo
