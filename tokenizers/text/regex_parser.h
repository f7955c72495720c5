// Regular expression -> tree. Part of regex.h.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/text/code_point_set.h"
#include "tokenizers/text/regex.h"

namespace zoo::regex {

enum class Greed { kGreedy, kLazy, kPossessive };
enum class Place { kLineBegin, kLineEnd, kTextBegin, kTextEnd, kWordEdge, kNoWordEdge };

struct Node {
  enum class Kind { kText, kSet, kSequence, kAlternatives, kRepeat, kAtomic, kLook, kPlace };
  Kind kind = Kind::kSequence;
  std::string text = {};  ///< kText: bytes
  std::shared_ptr<const CodePointSet> set =
      {};                                 ///< kSet; kPlace at a word edge: the word characters
  std::vector<Node> children = {};        ///< one for kRepeat, kAtomic and kLook
  size_t min = 1, max = 1;                ///< kRepeat
  Greed greed = Greed::kGreedy;           ///< kRepeat
  bool behind = false, negative = false;  ///< kLook
  Place place = Place::kTextBegin;        ///< kPlace
};

constexpr size_t kNoLimit = static_cast<size_t>(-1);

/// Throws std::runtime_error with the position of the error.
Node parse(std::string_view pattern, Regex::Dialect dialect);

}  // namespace zoo::regex
