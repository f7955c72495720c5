// The errors of a run with several processes.
#pragma once
#include <stdexcept>

namespace zoo {

/// Another process of the run is gone, silent or failed: "process 1 (host, pid 123) has ended".
struct ProcessLost : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace zoo
