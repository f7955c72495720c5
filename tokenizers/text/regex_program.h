// What a regular expression compiles to: instructions that point at their successors. Part of
// regex.h.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "tokenizers/text/code_point_set.h"
#include "tokenizers/text/regex_parser.h"

namespace zoo::regex {

struct Set {
  std::array<bool, 256> ascii = {};  ///< never true for a byte from 0x80 on
  CodePointSet set;
};

struct Instruction;

/// The branches that can begin with a byte, as bits: the first branch is the lowest.
struct Alternatives {
  std::array<uint64_t, 256> of_byte = {};
  uint64_t at_end = 0;  ///< those that may match at the end of the text
  std::vector<const Instruction*> branches = {};
};

struct Instruction {
  enum class Op : uint8_t { kText, kSet, kLoop, kAlternatives, kAtomic, kLook, kPlace, kAccept };
  Op op = Op::kAccept;
  Greed greed = Greed::kGreedy;           // kLoop
  bool simple = false;                    // kLoop: ?, * or +, not lazy
  bool behind = false, negative = false;  // kLook
  Place place = Place::kTextBegin;        // kPlace
  const Instruction* next = nullptr;
  const Instruction* inside = nullptr;         // kAtomic, kLook
  const Set* set = nullptr;                    // kSet, kLoop, kPlace
  const Alternatives* alternatives = nullptr;  // kAlternatives
  const std::string* text = nullptr;           // kText
  size_t min = 1, max = 1;                     // kLoop; kLook behind: `min` characters
};

/// Deques, because their elements stay where they are.
struct Program {
  std::deque<Instruction> code;
  std::deque<std::string> texts;
  std::deque<Set> sets;
  std::deque<Alternatives> alternatives;
  const Instruction* begin = nullptr;
  std::array<bool, 256> may_begin = {};  ///< bytes that a match can begin with
  bool may_be_empty = false;             ///< or depends on more than its first byte
};

/// Throws std::runtime_error for what would be too large, or would repeat the empty text.
Program compile(const Node& tree, std::string_view pattern);

}  // namespace zoo::regex
