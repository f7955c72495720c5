// The compiled form of a regular expression: instructions that point to their successors. Part of
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
  std::array<bool, 256> ascii = {};  ///< never true for bytes from 0x80 up
  CodePointSet set;
};

struct Instruction;

/// A bit mask of the branches that can begin with each byte; the lowest bit is the first branch.
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
  size_t min = 1, max = 1;                     // kLoop; a kLook behind goes back `min` characters
};

/// Deques, because their elements never move.
struct Program {
  std::deque<Instruction> code;
  std::deque<std::string> texts;
  std::deque<Set> sets;
  std::deque<Alternatives> alternatives;
  const Instruction* begin = nullptr;
  std::array<bool, 256> may_begin = {};  ///< possible first bytes of a match
  bool may_be_empty = false;             ///< or depends on more than its first byte
};

/// Throws std::runtime_error if the program would be too large, or would repeat the empty text.
Program compile(const Node& tree, std::string_view pattern);

}  // namespace zoo::regex
