// --processes N: copies of this program as the processes of one run on this machine.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "train/processes/environment.h"

namespace zoo {

/// Whether this process shall start copies: it is asked for several, and is not one of them. Throws
/// UsageError if torchrun or another launcher has already started several.
bool must_launch(int64_t processes, const ProcessEnvironment& environment);

struct LaunchOptions {
  int64_t processes = 2;
  std::string program = {};  ///< for messages
  /// After one has failed, the others end by themselves within this time, or are ended.
  std::chrono::milliseconds patience{45000};
};

/// Starts this program with the arguments (the first is its name) `processes` times and waits for
/// all. Process 0 keeps standard output and error; of others the last lines are shown if they fail.
/// The first SIGINT or SIGTERM is passed on. Copies end when this process does. Returns the exit
/// code of the first that failed (128 + N for signal N), kInterrupted if they stopped after a
/// signal, or 0. An InterruptGuard must live.
int launch_processes(const LaunchOptions& options, const std::vector<std::string>& arguments);

/// In a copy: it ends with its launcher. Does nothing in a process that has none.
void follow_launcher();
/// Whether this process is a copy.
bool is_copy();

}  // namespace zoo
