// Runs one of the zoo's programs as a user would, and catches what it says.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace zoo::testing {

struct ProgramResult {
  int exit_code = -1;  // 128 + signal where a signal ended it
  std::string out, err;
  bool timed_out = false;  // killed
};

struct ProgramRun {
  std::string input = {};                                         // for its standard input
  std::chrono::milliseconds timeout = std::chrono::seconds(120);  // then it is killed
  std::optional<uint64_t> largest_file = {};  // bytes; a write beyond them fails, as on a full disk
  bool merged = false;                        // `> log 2>&1`: both streams in `out`
  std::map<std::string, std::string> environment = {};  // variables on top of ours
};

/// name: "forward"; taken from the build's bin folder. Throws std::runtime_error where it cannot be
/// started.
ProgramResult run_program(const std::string& name, const std::vector<std::string>& arguments,
                          const ProgramRun& run = {});

using Flags = std::map<std::string, std::string>;

/// {"--name", "value", ...} of `usual` with `changes`; without those whose value is empty.
std::vector<std::string> flag_words(Flags usual, const Flags& changes);

/// The program ended with this code, and its last words are one line with this text.
void expect_one_line(const ProgramResult& result, int exit_code, const std::string& program,
                     const std::string& text);

}  // namespace zoo::testing
