// The messages of refusals: of any action, and of options after a change of one field.
#pragma once
#include <functional>
#include <stdexcept>
#include <string>

namespace zoo::testing {

/// What `action` throws; "no error" if it throws nothing.
inline std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "no error";
}

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
