// The one error that is the user's command and not the world's.
#pragma once
#include <stdexcept>

namespace zoo {

/// The command line or a recipe is wrong: programs exit with 2. All other exceptions: with 1.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace zoo
