// Work in child processes: each begins with a copy of this one's memory, so what it does to it
// stays its own.
#pragma once
#include <filesystem>
#include <functional>
#include <string>

namespace zoo {

struct ChildAnswer {
  std::string answer = {};
  std::string failed = {};  ///< one line, if the question threw
};

/// Asks a question in a child process that prints nothing. `program`: for the line.
ChildAnswer ask_child(const std::string& program, const std::function<std::string()>& question);

struct ChildResult {
  bool is_child = false;  ///< this is the child: return its `code` from main()
  int code = 0;
  std::string last_line = {};  ///< of what it printed
};

/// Does the work in a child process and waits for it. What it prints goes to the end of the log
/// file; where stderr is a terminal, only its stdout does. The first SIGINT or SIGTERM that an
/// InterruptGuard here catches is passed on to it. It ends when this process does.
ChildResult run_child(const std::function<int()>& work, const std::filesystem::path& log);

}  // namespace zoo
