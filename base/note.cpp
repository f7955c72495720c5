#include "base/note.h"

#include <string>

#include "base/streams.h"

namespace zoo {

namespace {

bool notes_muted = false;

}  // namespace

void note(std::string_view line) {
  if (!notes_muted) write_to_stderr(std::string(line) + "\n");
}

void mute_notes(bool muted) { notes_muted = muted; }

bool notes_are_muted() { return notes_muted; }

}  // namespace zoo
