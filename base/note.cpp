#include "base/note.h"

#include <string>

#include "base/streams.h"

namespace zoo {

void note(std::string_view line) { write_to_stderr(std::string(line) + "\n"); }

}  // namespace zoo
