#include "base/note.h"

#include <cstdio>
#include <string>

namespace zoo {

void note(std::string_view line) {
  const std::string text = std::string(line) + "\n";
  std::fputs(text.c_str(), stderr);
}

}  // namespace zoo
