// Runs one of the zoo's programs as a user would, and catches what it says.
#pragma once
#include <chrono>
#include <string>
#include <vector>

namespace zoo::testing {

struct ProgramResult {
  int exit_code = -1;  // 128 + signal where a signal ended it
  std::string out, err;
  bool timed_out = false;  // killed
};

struct ProgramRun {
  std::string input = {};  // for its standard input
  std::chrono::seconds timeout{120};
};

/// name: "forward"; taken from the build's bin folder. Throws std::runtime_error where it cannot be
/// started.
ProgramResult run_program(const std::string& name, const std::vector<std::string>& arguments,
                          const ProgramRun& run = {});

}  // namespace zoo::testing
