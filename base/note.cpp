#include "base/note.h"

#include <string>

#include "base/streams.h"

namespace zoo {

namespace {

bool muted = false;

}  // namespace

void note(std::string_view line) {
  if (!muted) write_to_stderr(std::string(line) + "\n");
}

void mute_notes() { muted = true; }

bool notes_are_muted() { return muted; }

}  // namespace zoo
