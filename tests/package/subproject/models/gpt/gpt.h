// Not the zoo's: a project's own header under the same name.
#pragma once

namespace own {
struct Gpt {
  int layers = 7;
};
}  // namespace own
