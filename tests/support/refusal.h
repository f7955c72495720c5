// The messages of refusals: of any action, and of options after a change of one field.
#pragma once
#include <functional>
#include <stdexcept>
#include <string>

namespace zoo::testing {

/// The message of the exception that `action` throws; "" if it throws nothing.
template <class Exception = std::runtime_error>
std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Exception& error) {
    return error.what();
  }
  return "";
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
