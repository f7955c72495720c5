// The frame of every program: one line for every error, and exit codes that scripts can rely on.
#pragma once
#include <functional>
#include <string_view>

#include "base/usage_error.h"

namespace zoo {

/// Runs a program's body and returns its exit code. An exception ends in one line on stderr,
/// "name: what was wrong", without backtrace; CLI11's help and errors are handled here too.
int run_app(std::string_view name, const std::function<int()>& body);

}  // namespace zoo
