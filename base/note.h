// Lines for the user that no work depends on.
#pragma once
#include <string_view>

namespace zoo {

/// Writes one line to stderr. Where nobody can read it (a closed stream, a full disk), it is lost.
void note(std::string_view line);

/// Whether notes and progress are dropped from here on: one of several processes tells what all do.
void mute_notes(bool muted = true);
bool notes_are_muted();

}  // namespace zoo
