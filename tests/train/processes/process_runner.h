// Runs a function of this test program in several processes.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace zoo {

/// The end of one process.
struct ProcessEnd {
  int code = 0;  ///< 128 + N where signal N ended it
  std::string output, errors;
  double seconds = 0.0;  ///< since the last of all has printed something
};

struct ProcessRun {
  std::string body = {};
  std::map<std::string, std::string> variables = {};
  /// Of rank N alone.
  std::map<int, std::map<std::string, std::string>> variables_of = {};
  /// Before the program: {"ip", "netns", "exec", "a"}.
  std::map<int, std::vector<std::string>> command_of = {};
  /// Called again and again with the rank and pid of those that run, and the seconds since the last
  /// of them has printed something; for signals.
  std::function<void(int rank, int pid, double seconds)> meddle = {};
  double most_seconds = 60.0;  ///< then they are killed
};

/// Starts `count` processes as the ranks of a run on a free port, and waits for all.
std::vector<ProcessEnd> run_processes(int count, const ProcessRun& run);

/// A port that nobody uses.
int free_port();

/// Registers a function that a process of run_processes() calls.
struct ProcessBody {
  ProcessBody(const std::string& name, const std::function<void()>& body);
};
#define PROCESS_BODY(name)                                             \
  static void body_##name();                                           \
  static const ::zoo::ProcessBody register_##name(#name, body_##name); \
  static void body_##name()

/// Of the environment, for bodies.
int own_rank();
int own_size();
/// A number in a variable.
double variable_or(const std::string& name, double otherwise);

}  // namespace zoo
