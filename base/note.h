// Lines for the user that no work depends on.
#pragma once
#include <string_view>

namespace zoo {

/// Writes one line to stderr. Where nobody can read it (a closed stream, a full disk), it is lost.
void note(std::string_view line);

}  // namespace zoo
