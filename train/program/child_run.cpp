#include "train/program/child_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <thread>

#include "app/run_app.h"
#include "base/files.h"
#include "base/interrupt.h"

#if !defined(_WIN32)
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif
#endif

namespace zoo {
namespace {

std::string last_line_of(std::string_view text) {
  const size_t end = text.find_last_not_of("\n\r ");
  if (end == std::string_view::npos) return {};
  text = text.substr(0, end + 1);
  const size_t start = text.find_last_of("\n\r");
  return std::string(start == std::string_view::npos ? text : text.substr(start + 1));
}

#if !defined(_WIN32)

constexpr std::string_view kAnswer = "\x1e\n";  // before the answer; complaints are lines of text

int fork_child() {
  std::fflush(stdout);
  std::fflush(stderr);
  const int child = ::fork();
  if (child < 0)
    throw std::runtime_error(fmt::format("cannot start a process: {}", std::strerror(errno)));
  return child;
}

void write_all(int end, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(end, text.data(), text.size());
    if (count <= 0) return;
    text.remove_prefix(static_cast<size_t>(count));
  }
}

[[noreturn]] void give_answer(int end, const std::string& program,
                              const std::function<std::string()>& question) {
  const int nowhere = ::open("/dev/null", O_WRONLY);
  ::dup2(nowhere, STDOUT_FILENO);
  ::dup2(end, STDERR_FILENO);
  const int code = run_app(program, [&] {
    const std::string answer = question();
    write_all(end, std::string(kAnswer) + answer);
    return 0;
  });
  ::_exit(code);
}

std::string read_all(int end) {
  std::string text;
  char buffer[4096];
  while (true) {
    const ssize_t count = ::read(end, buffer, sizeof buffer);
    if (count > 0) text.append(buffer, static_cast<size_t>(count));
    if (count == 0 || (count < 0 && errno != EINTR)) return text;
  }
}

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

/// The child's signals are those that this process passes on: a terminal's Ctrl-C would come twice
/// otherwise, and twice means at once.
void become_child(const std::filesystem::path& log) {
  ::setpgid(0, 0);
#if defined(__linux__)
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
  const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file < 0)
    throw std::runtime_error(
        fmt::format("cannot write {}: {}", log.string(), std::strerror(errno)));
  ::dup2(file, STDOUT_FILENO);
  if (::isatty(STDERR_FILENO) == 0) ::dup2(file, STDERR_FILENO);
  ::close(file);
}

int wait_for(int child) {
  int status = 0;
  bool passed_on = false;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    if (InterruptGuard::requested() && !passed_on) {
      ::kill(child, SIGINT);
      passed_on = true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return code_of(status);
}

#endif

}  // namespace

#if !defined(_WIN32)

ChildAnswer ask_child(const std::string& program, const std::function<std::string()>& question) {
  int ends[2];
  if (::pipe(ends) != 0)
    throw std::runtime_error(fmt::format("cannot start a process: {}", std::strerror(errno)));
  const int child = fork_child();
  if (child == 0) {
    ::close(ends[0]);
    give_answer(ends[1], program, question);
  }
  ::close(ends[1]);
  const std::string text = read_all(ends[0]);
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (const size_t at = text.find(kAnswer); at != std::string::npos)
    return {.answer = text.substr(at + kAnswer.size())};
  const std::string line = last_line_of(text);
  return {.failed = line.empty() ? fmt::format("ended with {}", code_of(status)) : line};
}

ChildResult run_child(const std::function<int()>& work, const std::filesystem::path& log) {
  const int child = fork_child();
  if (child == 0) {
    become_child(log);
    return {.is_child = true, .code = work()};
  }
  ChildResult result{.code = wait_for(child)};
  if (result.code == 0) return result;
  result.last_line = ::isatty(STDERR_FILENO) != 0 ? fmt::format("exit code {}", result.code)
                                                  : last_line_of(read_file(log));
  return result;
}

#else

ChildAnswer ask_child(const std::string&, const std::function<std::string()>&) {
  throw std::runtime_error("--sweep needs fork(), which Windows lacks; use WSL");
}
ChildResult run_child(const std::function<int()>&, const std::filesystem::path&) {
  throw std::runtime_error("--sweep needs fork(), which Windows lacks; use WSL");
}

#endif

}  // namespace zoo
