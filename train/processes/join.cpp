// Without c10d: one process only.
#include "train/processes/join.h"

#include <stdexcept>

namespace zoo {

#if !defined(ZOO_DISTRIBUTED)

bool can_join_processes() { return false; }

std::unique_ptr<Processes> join_processes(const ProcessEnvironment&, const ProcessOptions&) {
  throw std::runtime_error(
      "this build trains in one process: install libgloo-dev (scripts/bootstrap.sh), then "
      "configure and build again");
}

#endif

}  // namespace zoo
