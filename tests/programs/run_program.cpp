#include "tests/programs/run_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string_view>

namespace zoo::testing {
namespace {

using Clock = std::chrono::steady_clock;

class Pipe {
 public:
  Pipe() {
    if (::pipe(ends_) != 0) throw std::runtime_error(std::strerror(errno));
    // Closed on exec: a program must not hold another's pipe open.
    for (const int end : ends_) ::fcntl(end, F_SETFD, FD_CLOEXEC);
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  int read_end() const { return ends_[0]; }
  int write_end() const { return ends_[1]; }
  void close_end(int end) {
    if (ends_[end] >= 0) ::close(ends_[end]);
    ends_[end] = -1;
  }

 private:
  int ends_[2] = {-1, -1};
};

/// Writes beyond the limit are to fail, not to end the program.
void limit_files(uint64_t largest) {
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{.rlim_cur = largest, .rlim_max = largest};
  ::setrlimit(RLIMIT_FSIZE, &limit);
}

[[noreturn]] void become(const std::string& path, const std::vector<std::string>& arguments,
                         const ProgramRun& run, const Pipe& in, const Pipe& out, const Pipe& err) {
  if (run.largest_file) limit_files(*run.largest_file);
  ::dup2(in.read_end(), 0);
  ::dup2(out.write_end(), 1);
  ::dup2(run.merged ? out.write_end() : err.write_end(), 2);
  for (const auto& [name, value] : run.environment) ::setenv(name.c_str(), value.c_str(), 1);
  ::signal(SIGPIPE, SIG_DFL);
  std::vector<char*> words{const_cast<char*>(path.c_str())};
  for (const auto& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  ::execv(path.c_str(), words.data());
  ::_exit(127);
}

/// Reads what is there; false at the end of the stream.
bool take(int end, std::string& text) {
  char buffer[4096];
  const ssize_t count = ::read(end, buffer, sizeof buffer);
  if (count > 0) text.append(buffer, static_cast<size_t>(count));
  return count > 0;
}

/// Feeds the input and collects both outputs at the same time: a full pipe must not stop either.
void converse(Pipe& in, Pipe& out, Pipe& err, std::string_view input, Clock::time_point deadline,
              ProgramResult& result) {
  bool reading_out = true, reading_err = true;
  if (input.empty()) in.close_end(1);
  while (reading_out || reading_err) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) {
      result.timed_out = true;
      return;
    }
    // poll() passes over negative descriptors.
    pollfd ends[] = {{reading_out ? out.read_end() : -1, POLLIN, 0},
                     {reading_err ? err.read_end() : -1, POLLIN, 0},
                     {in.write_end(), POLLOUT, 0}};
    if (::poll(ends, 3, static_cast<int>(left.count())) <= 0) continue;
    if (ends[0].revents != 0) reading_out = take(out.read_end(), result.out);
    if (ends[1].revents != 0) reading_err = take(err.read_end(), result.err);
    if (ends[2].revents != 0) {
      const ssize_t count =
          ::write(in.write_end(), input.data(), std::min(input.size(), size_t{4096}));
      if (count > 0) input.remove_prefix(static_cast<size_t>(count));
      if (count <= 0 || input.empty()) in.close_end(1);
    }
  }
}

}  // namespace

ProgramResult run_program(const std::string& name, const std::vector<std::string>& arguments,
                          const ProgramRun& run) {
  const std::string path = std::string(ZOO_PROGRAM_FOLDER) + "/" + name;
  if (::access(path.c_str(), X_OK) != 0) throw std::runtime_error(path + " is not built");
  Pipe in, out, err;
  ::signal(SIGPIPE, SIG_IGN);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error(std::strerror(errno));
  if (child == 0) become(path, arguments, run, in, out, err);
  in.close_end(0);
  out.close_end(1);
  err.close_end(1);

  ProgramResult result;
  converse(in, out, err, run.input, Clock::now() + run.timeout, result);
  if (result.timed_out) ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

std::vector<std::string> flag_words(Flags usual, const Flags& changes) {
  for (const auto& [name, value] : changes) usual[name] = value;
  std::vector<std::string> words;
  for (const auto& [name, value] : usual)
    if (!value.empty()) words.insert(words.end(), {"--" + name, value});
  return words;
}

void expect_one_line(const ProgramResult& result, int exit_code, const std::string& program,
                     const std::string& text) {
  EXPECT_EQ(result.exit_code, exit_code) << result.err;
  const auto line = result.err.rfind(program + ": ");
  ASSERT_NE(line, std::string::npos) << result.err;
  const std::string error = result.err.substr(line);
  EXPECT_THAT(error, ::testing::HasSubstr(text));
  EXPECT_EQ(error.find('\n'), error.size() - 1) << error;
}

}  // namespace zoo::testing
