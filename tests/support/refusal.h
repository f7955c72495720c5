// Why options are refused: what a change of one field makes check() say.
#pragma once
#include <stdexcept>
#include <string>

namespace zoo::testing {

/// What check(options) throws after `change(options)`; empty where it accepts them.
template <class Options, class Change>
std::string refusal(Options options, Change change) {
  change(options);
  try {
    check(options);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

}  // namespace zoo::testing
