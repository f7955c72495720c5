// --sweep, --seeds and --scale: one command, many runs, one comparison.
//
// Each run is a child process that goes on as if it had been started with its own options, so a
// sweep needs nothing of a family. A run that fails does not take the others with it.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "train/program/training.h"

namespace zoo {

/// Whether the command line asks for a sweep.
bool is_sweep(int argc, const char* const* argv);

/// Runs what is left of a sweep and resumes what was cut, then prints the comparison and writes its
/// page. All options are checked before anything runs. `train`: trains with a command line of one
/// run, and returns the exit code. Returns the sweep's; in a child process, that of the run.
int run_sweep(Training& training, int argc, const char* const* argv,
              const std::function<int(const std::vector<std::string>&)>& train);

}  // namespace zoo
