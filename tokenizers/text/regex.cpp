// The matcher: a loop over instructions with a backtracking stack instead of recursion. Only
// lookarounds and atomic groups recurse, as deep as they are nested in the pattern. A loop over a
// set is one step forward, whatever its length, and one entry on the stack.
#include "tokenizers/text/regex.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <stdexcept>

#include "tokenizers/text/regex_library.h"
#include "tokenizers/text/regex_program.h"
#include "tokenizers/text/utf8.h"

namespace zoo {
namespace {

using regex::Greed;
using regex::Instruction;
using Op = Instruction::Op;

constexpr size_t kNone = std::string_view::npos;
constexpr size_t kStepsForAny = 10'000, kStepsPerByte = 1000, kDeepestStack = 1 << 23;

uint8_t byte_at(std::string_view text, size_t position) {
  return static_cast<uint8_t>(text[position]);
}

}  // namespace

Regex::Regex(std::string_view pattern, Dialect dialect) : pattern_(pattern) {
  try {
    program_ =
        std::make_shared<regex::Program>(regex::compile(regex::parse(pattern, dialect), pattern));
  } catch (const std::runtime_error&) {
    if (dialect != Dialect::kOniguruma) throw;
    try {
      library_ = std::make_shared<regex::LibraryPattern>(pattern);
    } catch (const std::runtime_error&) {
    }
    if (!library_) throw;  // our own error names the position
  }
}

Regex Regex::of_text(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (std::string_view(R"(\.+*?()|[]{}^$)").find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return Regex(escaped);
}

void Regex::Matches::restart(std::string_view text) {
  text_ = user_text_ = text;
  if (regex_->library_ && utf8::find_invalid(text) != kNone) {
    copy_ = utf8::replace_invalid(text);
    text_ = copy_;
    copy_at_ = user_at_ = 0;
  }
  from_ = 0;
  last_end_ = kNone;
  depth_ = 0;
  steps_left_ = kStepsForAny + kStepsPerByte * text.size();
}

bool Regex::Matches::next(Span& match) {
  while (from_ <= text_.size() && search(match)) {
    from_ = match.end;
    if (match.begin < match.end || match.end != last_end_) {
      last_end_ = match.end;
      if (text_.data() != user_text_.data()) {
        match.begin = place_in_text(match.begin);
        match.end = place_in_text(match.end);
      }
      return true;
    }
    char32_t code = 0;
    from_ += from_ < text_.size() ? character(from_, code) : 1;
  }
  from_ = text_.size() + 1;
  return false;
}

/// Maps a position in the copy to one in the text; calls must be in ascending order.
size_t Regex::Matches::place_in_text(size_t position) {
  while (copy_at_ < position) {
    copy_at_ += utf8::first(std::string_view(copy_).substr(copy_at_)).size;
    user_at_ += utf8::first(user_text_.substr(user_at_)).size;
  }
  return user_at_;
}

/// Finds the first match at from_ or later.
bool Regex::Matches::search(Span& match) {
  if (regex_->library_) return regex_->library_->search(text_, from_, match);
  const regex::Program& program = *regex_->program_;
  for (size_t begin = from_;;) {
    char32_t code = 0;
    if (!program.may_be_empty) {
      while (begin < text_.size() && !program.may_begin[byte_at(text_, begin)]) {
        begin += character(begin, code);
      }
      if (begin == text_.size()) return false;
    }
    size_t end = begin;
    if (run(program.begin, end)) {
      match = {begin, end};
      return true;
    }
    if (begin >= text_.size()) return false;
    begin += character(begin, code);
  }
}

/// Size of the character at `position`.
inline size_t Regex::Matches::character(size_t position, char32_t& code) const {
  code = byte_at(text_, position);
  if (code < 0x80) return 1;
  const utf8::Character c = utf8::first(text_.substr(position));
  code = c.code;
  return c.size;
}

/// Start of the character before `position`.
size_t Regex::Matches::step_back(size_t position) const {
  size_t begin = position - 1;
  while (begin > 0 && position - begin < 4 && (byte_at(text_, begin) & 0xC0) == 0x80) --begin;
  char32_t code = 0;
  return character(begin, code) == position - begin ? begin : position - 1;
}

/// Matches one character of the set; kNone if there is none.
inline size_t Regex::Matches::one(const regex::Set& set, size_t position) const {
  if (position >= text_.size()) return kNone;
  const uint8_t byte = byte_at(text_, position);
  if (byte < 0x80) return set.ascii[byte] ? position + 1 : kNone;
  char32_t code = 0;
  const size_t size = character(position, code);
  return set.set.contains(code) ? position + size : kNone;
}

/// Matches as many characters of the set as possible, up to `times`.
inline size_t Regex::Matches::repeat(const regex::Set& set, size_t position, size_t times) {
  const bool* const ascii = set.ascii.data();
  const std::string_view text = text_;  // a copy: the compiler knows that it cannot change
  size_t at = position;
  for (;;) {
    const size_t stop = times < text.size() - at ? at + times : text.size();
    const size_t begin = at;
    while (at < stop && ascii[byte_at(text, at)]) ++at;
    if (at == stop || byte_at(text, at) < 0x80) break;
    char32_t code = 0;
    const size_t length = character(at, code);
    if (!set.set.contains(code)) break;
    times -= at - begin + 1;
    at += length;
    if (at == text.size()) break;
  }
  spend(at - position);
  return at;
}

inline void Regex::Matches::spend(size_t steps) {
  if (steps > steps_left_) {
    throw std::runtime_error(
        fmt::format("a regular expression of {} bytes takes too many steps on a text of {} bytes; "
                    "avoid repetitions inside repetitions, or make them possessive",
                    regex_->pattern_.size(), text_.size()));
  }
  steps_left_ -= steps;
}

inline void Regex::Matches::push(const Frame& frame) {
  if (depth_ == stack_.size()) {
    if (depth_ >= kDeepestStack) spend(kNone);
    stack_.resize(2 * depth_ + 64);
  }
  stack_[depth_++] = frame;
}

/// Runs the first pass of a loop, and records what it may give back or still take.
bool Regex::Matches::loop(const Instruction& in, size_t& position) {
  size_t least = position;
  for (size_t i = 0; i < in.min; ++i) {
    least = one(*in.set, least);
    if (least == kNone) return false;
  }
  spend(in.min);
  if (in.greed == Greed::kLazy) {
    position = least;
    if (in.max > in.min) push({Frame::kLazy, &in, position, in.max - in.min});
    return true;
  }
  position = repeat(*in.set, least, in.max - in.min);
  if (in.greed == Greed::kGreedy && position > least) push({Frame::kGreedy, &in, position, least});
  return true;
}

bool Regex::Matches::at_place(const Instruction& in, size_t position) const {
  switch (in.place) {
    case regex::Place::kTextBegin:
      return position == 0;
    case regex::Place::kTextEnd:
      return position == text_.size();
    case regex::Place::kLineBegin:
      return position == 0 || (text_[position - 1] == '\n' && position < text_.size());
    case regex::Place::kLineEnd:
      return position == text_.size() || text_[position] == '\n';
    default:
      break;
  }
  const bool before = position > 0 && one(*in.set, step_back(position)) != kNone;
  const bool after = one(*in.set, position) != kNone;
  return (before != after) == (in.place == regex::Place::kWordEdge);
}

bool Regex::Matches::look(const Instruction& in, size_t position) {
  for (size_t i = 0; in.behind && i < in.min; ++i) {
    if (position == 0) return in.negative;
    position = step_back(position);
  }
  return run(in.inside, position) != in.negative;
}

/// Backtracks to the last choice, unless the stack is down to `base`.
bool Regex::Matches::resume(size_t base, const Instruction*& instruction, size_t& position) {
  while (depth_ > base) {
    spend(1);
    Frame& frame = stack_[depth_ - 1];
    const Instruction& in = *frame.instruction;
    position = frame.position;
    instruction = in.next;
    if (frame.kind == Frame::kAlternatives) {
      instruction = in.alternatives->branches[static_cast<size_t>(std::countr_zero(frame.rest))];
      frame.rest &= frame.rest - 1;
      if (frame.rest == 0) --depth_;
      return true;
    }
    if (frame.kind == Frame::kGreedy) {
      position = frame.position = step_back(position);
      if (position == frame.rest) --depth_;
      return true;
    }
    position = one(*in.set, position);
    if (position != kNone) {
      frame.position = position;
      if (--frame.rest == 0) --depth_;
      return true;
    }
    --depth_;
  }
  return false;
}

/// Matches at `position` and moves it to the end of the match.
bool Regex::Matches::run(const Instruction* instruction, size_t& position) {
  const std::string_view text = text_;  // a copy: the compiler knows that it cannot change
  const size_t base = depth_;
  size_t at = position;
  for (;;) {
    const Instruction& in = *instruction;
    instruction = in.next;
    bool good = true;
    switch (in.op) {
      case Op::kText:
        good = text.substr(at).starts_with(*in.text);
        at += in.text->size();
        break;
      case Op::kSet:
        at = one(*in.set, at);
        good = at != kNone;
        break;
      case Op::kLoop: {
        size_t end = at;
        if (in.simple) {
          const bool* const ascii = in.set->ascii.data();
          const size_t stop = in.max == 1 ? std::min(at + 1, text.size()) : text.size();
          while (end < stop && ascii[byte_at(text, end)]) ++end;
          if (end == stop || byte_at(text, end) < 0x80) {
            good = end >= at + in.min;
            spend(end - at);
            if (in.greed == Greed::kGreedy && end > at + in.min) {
              push({Frame::kGreedy, &in, end, at + in.min});
            }
            at = end;
            break;
          }
        }
        good = loop(in, at);
        break;
      }
      case Op::kAlternatives: {
        const regex::Alternatives& all = *in.alternatives;
        const uint64_t open = at < text.size() ? all.of_byte[byte_at(text, at)] : all.at_end;
        good = open != 0;
        spend(1);  // every repetition of a group gets here
        if (!good) break;
        const uint64_t rest = open & (open - 1);
        if (rest != 0) push({Frame::kAlternatives, &in, at, rest});
        instruction = all.branches[static_cast<size_t>(std::countr_zero(open))];
        break;
      }
      case Op::kAtomic:
        good = run(in.inside, at);
        break;
      case Op::kLook:
        good = look(in, at);
        break;
      case Op::kPlace:
        good = at_place(in, at);
        break;
      case Op::kAccept:
        position = at;
        depth_ = base;
        return true;
    }
    if (!good && !resume(base, instruction, at)) return false;
  }
}

}  // namespace zoo
