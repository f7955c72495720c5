// The error for a wrong command.
#pragma once
#include <stdexcept>

namespace zoo {

/// The command line or a recipe is wrong: programs exit with 2. For other exceptions they exit
/// with 1.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace zoo
