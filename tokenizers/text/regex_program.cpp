// Compiles from the end of the pattern to the beginning, so that each instruction knows its
// successor. If what follows a loop cannot begin with the loop's characters, the loop never has to
// give any back and becomes possessive: most matches of the published patterns then need no
// backtracking.
#include "tokenizers/text/regex_program.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "tokenizers/text/regex_characters.h"
#include "tokenizers/text/utf8.h"

namespace zoo::regex {
namespace {

using Op = Instruction::Op;
using SharedSet = std::shared_ptr<const CodePointSet>;

constexpr size_t kLargestProgram = 4096, kMostBranches = 64;
constexpr char32_t kReplacement = 0xFFFD;  // stands for an invalid byte

SharedSet share(CodePointSet set) { return std::make_shared<CodePointSet>(std::move(set)); }

SharedSet nothing() {
  static const SharedSet empty = share(CodePointSet());
  return empty;
}

/// An instruction, and what a match that starts there can begin with.
struct Step {
  const Instruction* instruction = nullptr;
  SharedSet first = nothing();  ///< its possible first code points, if it consumes any
  bool may_be_empty = false;    ///< may match without consuming any
  bool depends = false;         ///< looks at other characters: nothing is known
};

/// The possible first bytes of a text whose first code point is in the set.
std::array<bool, 256> first_bytes(const CodePointSet& set) {
  std::array<bool, 256> bytes{};
  for (char32_t byte = 0; byte < 0x80; ++byte) bytes[byte] = set.contains(byte);
  const bool invalid = set.contains(kReplacement);
  for (char32_t byte = 0x80; byte < 0x100; ++byte) {
    const bool two = byte < 0xE0, three = byte < 0xF0;
    const int shift = two ? 6 : three ? 12 : 18;
    const char32_t low = (byte & (two ? 0x1F : three ? 0x0F : 0x07)) << shift;
    const char32_t high = std::min<char32_t>(low + (1u << shift) - 1, 0x10FFFF);
    bytes[byte] = invalid || (byte >= 0xC2 && byte <= 0xF4 && set.has_any(low, high));
  }
  return bytes;
}

/// Length in characters; nullopt if it varies.
std::optional<size_t> fixed_length(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kText: {
      size_t length = 0;
      for (std::string_view rest = node.text; !rest.empty(); ++length) {
        rest.remove_prefix(utf8::first(rest).size);
      }
      return length;
    }
    case Node::Kind::kSet:
      return 1;
    case Node::Kind::kLook:
    case Node::Kind::kPlace:
      return 0;
    case Node::Kind::kRepeat: {
      const auto inside = fixed_length(node.children[0]);
      if (!inside || node.min != node.max) return std::nullopt;
      return *inside * node.min;
    }
    default:
      break;
  }
  size_t sum = 0;
  for (size_t i = 0; i < node.children.size(); ++i) {
    const auto length = fixed_length(node.children[i]);
    const bool branch = node.kind == Node::Kind::kAlternatives;
    if (!length || (branch && i > 0 && length != sum)) return std::nullopt;
    sum = branch ? *length : sum + *length;
  }
  return sum;
}

bool can_be_empty(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kText:
    case Node::Kind::kSet:
      return false;
    case Node::Kind::kLook:
    case Node::Kind::kPlace:
      return true;
    case Node::Kind::kRepeat:
      return node.min == 0 || can_be_empty(node.children[0]);
    case Node::Kind::kAlternatives:
      return std::any_of(node.children.begin(), node.children.end(), can_be_empty);
    default:
      return std::all_of(node.children.begin(), node.children.end(), can_be_empty);
  }
}

/// The set of a node that matches exactly one character: a set or a one-character text.
SharedSet single_set(const Node& node) {
  if (node.kind == Node::Kind::kSet) return node.set;
  if (node.kind != Node::Kind::kText) return nullptr;
  const utf8::Character c = utf8::first(node.text);
  return c.size == node.text.size() ? share(CodePointSet::of(c.code)) : nullptr;
}

class Compiler {
 public:
  explicit Compiler(std::string_view pattern) : pattern_(pattern) {}

  Program compile(const Node& tree) {
    const Step begin = make(tree, accept());
    program_.begin = begin.instruction;
    program_.may_be_empty = begin.may_be_empty || begin.depends;
    program_.may_begin = first_bytes(*begin.first);
    return std::move(program_);
  }

 private:
  const Instruction* add(const Instruction& instruction) {
    if (program_.code.size() >= kLargestProgram) refuse(pattern_, 0, "it is too large");
    return &program_.code.emplace_back(instruction);
  }

  /// Compiles `node`, followed by `next`.
  Step make(const Node& node, const Step& next) {
    switch (node.kind) {
      case Node::Kind::kText:
        return {add({.op = Op::kText,
                     .next = next.instruction,
                     .text = &program_.texts.emplace_back(node.text)}),
                share(CodePointSet::of(utf8::first(node.text).code))};
      case Node::Kind::kSet:
        return {add({.op = Op::kSet, .next = next.instruction, .set = set(node.set)}), node.set};
      case Node::Kind::kSequence: {
        Step step = next;
        for (size_t i = node.children.size(); i-- > 0;) step = make(node.children[i], step);
        return step;
      }
      case Node::Kind::kAlternatives: {
        std::vector<Step> branches;
        for (const Node& child : node.children) branches.push_back(make(child, next));
        return alternatives(std::move(branches));
      }
      case Node::Kind::kRepeat:
        return repeat(node, next);
      case Node::Kind::kAtomic:
        return atomic(node.children[0], next);
      case Node::Kind::kLook:
        return look(node, next);
      case Node::Kind::kPlace:
        return unknown(add({.op = Op::kPlace,
                            .place = node.place,
                            .next = next.instruction,
                            .set = node.set ? set(node.set) : nullptr}));
    }
    return next;
  }

  static Step unknown(const Instruction* instruction) {
    return {instruction, nothing(), /*may_be_empty=*/true, /*depends=*/true};
  }

  /// The end of the pattern, or of a group that is matched on its own, without what follows it.
  Step accept() { return {add({.op = Op::kAccept}), nothing(), /*may_be_empty=*/true}; }

  const Set* set(const SharedSet& characters) {
    for (size_t i = 0; i < known_sets_.size(); ++i) {
      if (known_sets_[i] == characters) return &program_.sets[i];
    }
    known_sets_.push_back(characters);
    Set& made = program_.sets.emplace_back();
    made.set = *characters;
    for (char32_t byte = 0; byte < 0x80; ++byte) made.ascii[byte] = characters->contains(byte);
    return &made;
  }

  /// The first branch that leads to a match wins.
  Step alternatives(std::vector<Step> branches) {
    if (branches.size() > kMostBranches) {
      const auto cut = branches.begin() + kMostBranches - 1;
      const Step rest = alternatives({cut, branches.end()});
      branches.erase(cut, branches.end());
      branches.push_back(rest);
    }
    Alternatives& made = program_.alternatives.emplace_back();
    return fill(made, add({.op = Op::kAlternatives, .alternatives = &made}), branches);
  }

  static Step fill(Alternatives& made, const Instruction* instruction,
                   const std::vector<Step>& branches) {
    Step whole{instruction};
    for (size_t i = 0; i < branches.size(); ++i) {
      const Step& branch = branches[i];
      const bool any = branch.may_be_empty || branch.depends;
      const auto bytes = first_bytes(*branch.first);
      for (size_t byte = 0; byte < 256; ++byte) {
        made.of_byte[byte] |= static_cast<uint64_t>(any || bytes[byte]) << i;
      }
      made.at_end |= static_cast<uint64_t>(any) << i;
      made.branches.push_back(branch.instruction);
      whole.first = share(*whole.first | *branch.first);
      whole.may_be_empty |= branch.may_be_empty;
      whole.depends |= branch.depends;
    }
    return whole;
  }

  Step repeat(const Node& node, const Step& after) {
    const Node& body = node.children[0];
    if (const SharedSet single = single_set(body)) return loop(node, single, after);
    if (node.greed == Greed::kPossessive) {
      Node greedy = node;
      greedy.greed = Greed::kGreedy;
      return atomic(greedy, after);
    }
    if (node.max > 1 && can_be_empty(body)) {
      refuse(pattern_, 0, "it repeats a group that can match nothing");
    }
    Step step = after;
    if (node.max == kNoLimit) {
      step = endless(body, node.greed, after);
    } else {
      for (size_t i = node.min; i < node.max; ++i) {
        step = alternatives(in_order(make(body, step), after, node.greed));
      }
    }
    for (size_t i = 0; i < node.min; ++i) step = make(body, step);
    return step;
  }

  Step endless(const Node& body, Greed greed, const Step& after) {
    Alternatives& made = program_.alternatives.emplace_back();
    const Step again = unknown(add({.op = Op::kAlternatives, .alternatives = &made}));
    return fill(made, again.instruction, in_order(make(body, again), after, greed));
  }

  static std::vector<Step> in_order(const Step& inside, const Step& after, Greed greed) {
    return greed == Greed::kLazy ? std::vector{after, inside} : std::vector{inside, after};
  }

  Step loop(const Node& node, const SharedSet& characters, const Step& after) {
    const bool gives_back = after.depends || after.first->intersects(*characters);
    const bool lazy = node.greed == Greed::kLazy;
    const bool once = node.max == 1 && node.min == 0;
    const Instruction* instruction =
        add({.op = Op::kLoop,
             .greed = !lazy && !gives_back ? Greed::kPossessive : node.greed,
             .simple = !lazy && (once || (node.max == kNoLimit && node.min < 2)),
             .next = after.instruction,
             .set = set(characters),
             .min = node.min,
             .max = node.max});
    if (node.min > 0) return {instruction, characters};
    return {instruction, share(*characters | *after.first), after.may_be_empty, after.depends};
  }

  Step atomic(const Node& body, const Step& next) {
    Step step = make(body, accept());
    const Instruction* inside = step.instruction;
    if (step.may_be_empty) {
      step.first = share(*step.first | *next.first);
      step.may_be_empty = next.may_be_empty;
      step.depends |= next.depends;
    }
    step.instruction = add({.op = Op::kAtomic, .next = next.instruction, .inside = inside});
    return step;
  }

  Step look(const Node& node, const Step& next) {
    const auto length = node.behind ? fixed_length(node.children[0]) : 0;
    if (!length) refuse(pattern_, 0, "a lookbehind must have a fixed length");
    const Step inside = make(node.children[0], accept());
    return unknown(add({.op = Op::kLook,
                        .behind = node.behind,
                        .negative = node.negative,
                        .next = next.instruction,
                        .inside = inside.instruction,
                        .min = *length}));
  }

  std::string_view pattern_;
  Program program_;
  std::vector<SharedSet> known_sets_;  // parallel to program_.sets
};

}  // namespace

Program compile(const Node& tree, std::string_view pattern) {
  return Compiler(pattern).compile(tree);
}

}  // namespace zoo::regex
