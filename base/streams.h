// Standard output and standard error in the order of writing, also where both go to one file.
#pragma once
#include <string_view>

namespace zoo {

/// Writes to stderr, after all that stdout holds back. Where nobody can read it (a closed stream, a
/// full disk), it is lost.
void write_to_stderr(std::string_view text);

/// Writes to stdout at once. A write that fails is reported at the program's end (run_app), so that
/// work under way goes on and is saved.
void write_to_stdout(std::string_view text);

/// From here on what is written to stdout is dropped.
void mute_stdout();

}  // namespace zoo
