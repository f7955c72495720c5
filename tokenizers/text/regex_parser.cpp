// Recursive descent.
#include "tokenizers/text/regex_parser.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "tokenizers/text/regex_characters.h"
#include "tokenizers/text/utf8.h"

namespace zoo::regex {
namespace {

constexpr size_t kDeepestGroup = 50, kLargestRepeat = 100'000;

class Parser : private PatternReader {
 public:
  using PatternReader::PatternReader;

  Node parse() {
    if (take("(?i)")) ignore_case = true;
    Node node = alternatives();
    if (!done()) fail("')' without '('");
    return node;
  }

 private:
  // --- structure ---

  Node alternatives() {
    if (++depth_ > kDeepestGroup) fail("groups are nested too deeply");
    std::vector<Node> branches;
    do {
      branches.push_back(sequence());
    } while (take("|"));
    --depth_;
    if (branches.size() == 1) return std::move(branches.front());
    return {.kind = Node::Kind::kAlternatives, .children = std::move(branches)};
  }

  Node sequence() {
    Node node;
    char32_t previous = 0;  // the previous literal, if case is ignored
    while (!done() && peek() != '|' && peek() != ')') {
      const size_t begin = at_;
      Node atom = this->atom();
      if (ignore_case) previous = check_ligature(previous, begin);
      append(node.children, quantified(std::move(atom), begin));
    }
    return node;
  }

  /// If case is ignored, Oniguruma also matches the letters ss, st, ff, fi and fl with the single
  /// character for the two ('ß', 'ﬁ'). That is not supported; no tokenizer needs it.
  char32_t check_ligature(char32_t previous, size_t begin) const {
    const bool letter = at_ == begin + 1 && is_ascii_letter(pattern_[begin]);
    const char32_t code = letter ? static_cast<char32_t>(pattern_[begin]) | 32 : 0;
    const bool long_s = previous == 's' && (code == 's' || code == 't');
    const bool f = previous == 'f' && (code == 'f' || code == 'i' || code == 'l');
    if (oniguruma_ && (long_s || f)) {
      refuse(pattern_, begin, "letters that have a ligature, without case, are not supported");
    }
    return code;
  }

  /// Merges consecutive literals.
  static void append(std::vector<Node>& nodes, Node node) {
    const bool text = node.kind == Node::Kind::kText;
    if (text && !nodes.empty() && nodes.back().kind == Node::Kind::kText) {
      nodes.back().text += node.text;
    } else {
      nodes.push_back(std::move(node));
    }
  }

  Node atom() {
    switch (peek()) {
      case '(':
        return group();
      case '[':
        return set_node(bracket());
      case '.':
        ++at_;
        return set_node(~CodePointSet::of('\n'));
      case '^':
        ++at_;
        return at_place(oniguruma_ ? Place::kLineBegin : Place::kTextBegin);
      case '$':
        ++at_;
        return at_place(oniguruma_ ? Place::kLineEnd : Place::kTextEnd);
      case '\\':
        return escape();
      case '*':
      case '+':
      case '?':
        fail("there is nothing to repeat");
      case '{':
        if (!oniguruma_) fail("write \\{ for a brace");
        [[fallthrough]];
      default:
        return literal(character());
    }
  }

  Node group() {
    ++at_;
    Node node;
    const bool outer_case = ignore_case;
    if (take("?")) {
      if (take("=") || take("!")) {
        node = {.kind = Node::Kind::kLook, .negative = pattern_[at_ - 1] == '!'};
      } else if (take("<=") || take("<!")) {
        node = {.kind = Node::Kind::kLook, .behind = true, .negative = pattern_[at_ - 1] == '!'};
      } else if (take(">")) {
        node = {.kind = Node::Kind::kAtomic};
      } else if (take("i:") || take("-i:")) {
        ignore_case = pattern_[at_ - 3] != '-';
      } else if (take("<") || take("P<")) {
        skip_name();
      } else if (!take(":")) {
        fail("such a group is not supported; known: (...), (?:, (?i:, (?=, (?!, (?<=, (?<!, (?>");
      }
    }
    Node inside = alternatives();
    if (!take(")")) fail("'(' without ')'");
    ignore_case = outer_case;
    if (node.kind == Node::Kind::kSequence) return inside;
    node.children.push_back(std::move(inside));
    return node;
  }

  void skip_name() {
    const size_t end = pattern_.find('>', at_);
    const std::string_view name = pattern_.substr(at_, end - at_);
    const bool good = std::all_of(name.begin(), name.end(), [](char c) {
      return is_ascii_alphanumeric(static_cast<unsigned char>(c)) || c == '_';
    });
    if (end == std::string_view::npos || name.empty() || !good)
      fail("a group's name is not finished");
    at_ = end + 1;
  }

  // --- repetition ---

  Node quantified(Node atom, size_t begin) {
    const size_t at = at_;
    Node node{.kind = Node::Kind::kRepeat};
    const bool interval = read_interval(node.min, node.max);
    if (!interval) {
      const char sign = peek();
      if (sign != '*' && sign != '+' && sign != '?') return atom;
      ++at_;
      node.min = sign == '+' ? 1 : 0;
      node.max = sign == '?' ? 1 : kNoLimit;
    }
    if (atom.kind == Node::Kind::kPlace || atom.kind == Node::Kind::kLook) {
      refuse(pattern_, begin, "a place has no length to repeat");
    }
    node.children.push_back(std::move(atom));
    if (peek() == '?' && interval && oniguruma_ && node.min == node.max) {
      fail("{n}? means (?:...{n})? here: write what is meant");
    }
    if (take("?")) {
      node.greed = Greed::kLazy;
    } else if (peek() == '+' && interval && oniguruma_) {  // x{1,3}+ means (?:x{1,3})+
      ++at_;
      Node outer{.kind = Node::Kind::kRepeat, .max = kNoLimit};
      outer.children.push_back(std::move(node));
      node = std::move(outer);
    } else if (take("+")) {
      node.greed = Greed::kPossessive;
    }
    size_t unused_min = 0, unused_max = 0;
    if (peek() == '*' || peek() == '+' || peek() == '?' || read_interval(unused_min, unused_max)) {
      refuse(pattern_, at, "one repetition upon another is not supported; use a group");
    }
    return node;
  }

  /// {m}, {m,}, {m,n} or {,n}; for anything else, false without advancing.
  bool read_interval(size_t& min, size_t& max) {
    const size_t begin = at_;
    if (!take("{")) return false;
    const auto low = number();
    const bool comma = take(",");
    const auto high = comma ? number() : low;
    if (!take("}") || (!low && !high)) {
      at_ = begin;
      return false;
    }
    min = low.value_or(0);
    max = high.value_or(kNoLimit);
    if (min > kLargestRepeat || (max > kLargestRepeat && max != kNoLimit) || min > max) {
      refuse(pattern_, begin, "the bounds must be in order and at most 100000");
    }
    return true;
  }

  std::optional<size_t> number() {
    const size_t begin = at_;
    size_t value = 0;
    while (peek() >= '0' && peek() <= '9') {
      value = std::min<size_t>(value * 10 + static_cast<size_t>(pattern_[at_++] - '0'),
                               kLargestRepeat + 1);
    }
    if (at_ == begin) return std::nullopt;
    return value;
  }

  // --- characters ---

  Node literal(char32_t code) const {
    const auto ranges = with_other_cases(code);
    if (ranges.size() == 1) return {.kind = Node::Kind::kText, .text = utf8::encode(code)};
    return set_node(CodePointSet::of(ranges));
  }

  static Node set_node(CodePointSet set) {
    return {.kind = Node::Kind::kSet, .set = std::make_shared<CodePointSet>(std::move(set))};
  }
  static Node at_place(Place place) { return {.kind = Node::Kind::kPlace, .place = place}; }

  Node escape() {
    if (starts("\\A") || starts("\\z")) {
      at_ += 2;
      return at_place(pattern_[at_ - 1] == 'A' ? Place::kTextBegin : Place::kTextEnd);
    }
    if (starts("\\b") || starts("\\B")) {
      at_ += 2;
      Node node = set_node(word(/*alone=*/true));
      node.kind = Node::Kind::kPlace;
      node.place = pattern_[at_ - 1] == 'b' ? Place::kWordEdge : Place::kNoWordEdge;
      return node;
    }
    if (auto set = class_escape(/*alone=*/true)) return set_node(std::move(*set));
    return literal(escaped_character());
  }

  size_t depth_ = 0;
};

}  // namespace

Node parse(std::string_view pattern, Regex::Dialect dialect) {
  return Parser(pattern, dialect).parse();
}

}  // namespace zoo::regex
