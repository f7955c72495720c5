#include "train/processes/launch.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "base/interrupt.h"
#include "base/streams.h"
#include "base/usage_error.h"
#include "train/processes/identity.h"

#if defined(__linux__)
#include <fcntl.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
extern char** environ;
#endif

namespace zoo {
namespace {

constexpr const char* kLauncher = "ZOO_LAUNCHER";  // pid of the process that started the copies

}  // namespace

bool must_launch(int64_t processes, const ProcessEnvironment& environment) {
  if (processes == 1 || is_copy()) return false;
  if (environment.size > 1)
    throw UsageError(
        fmt::format("--processes {}: {} has already started this program as one of {} processes; "
                    "leave --processes out",
                    processes, environment.launcher, environment.size));
  return true;
}

bool is_copy() { return std::getenv(kLauncher) != nullptr; }

#if !defined(__linux__)

int launch_processes(const LaunchOptions&, const std::vector<std::string>&) {
  throw std::runtime_error("--processes starts copies on Linux alone; here use torchrun");
}
void follow_launcher() {}

#else

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

int free_local_port() {
  const int end = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  const bool found = end >= 0 && ::bind(end, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
                     ::getsockname(end, reinterpret_cast<sockaddr*>(&address), &length) == 0;
  if (end >= 0) ::close(end);
  if (!found) throw std::runtime_error(fmt::format("no free port: {}", std::strerror(errno)));
  return ntohs(address.sin_port);
}

std::map<std::string, std::string> variables_of_copies(int64_t processes) {
  const auto cores = static_cast<int64_t>(std::max(1U, std::thread::hardware_concurrency()));
  const auto own = std::to_string(::getpid());
  std::map<std::string, std::string> variables = {
      {"WORLD_SIZE", std::to_string(processes)},
      {"LOCAL_WORLD_SIZE", std::to_string(processes)},
      {"MASTER_ADDR", "127.0.0.1"},
      {"MASTER_PORT", std::to_string(free_local_port())},
      {"TORCHELASTIC_RUN_ID", "launcher-" + own},
      {kLauncher, own}};
  if (std::getenv("OMP_NUM_THREADS") == nullptr)
    variables["OMP_NUM_THREADS"] = std::to_string(std::max<int64_t>(1, cores / processes));
  return variables;
}

/// A started copy. Holds the last lines that it wrote to stderr, unless it is process 0.
class Copy {
 public:
  Copy(int64_t rank, const std::vector<std::string>& arguments,
       std::map<std::string, std::string> variables)
      : rank_(rank) {
    variables["RANK"] = variables["LOCAL_RANK"] = std::to_string(rank);
    std::vector<std::string> settings;
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string setting = *entry;
      if (!variables.contains(setting.substr(0, setting.find('=')))) settings.push_back(setting);
    }
    for (const auto& [name, value] : variables) settings.push_back(name + "=" + value);
    auto words = arguments;
    std::vector<char*> argv, envp;
    for (auto& word : words) argv.push_back(word.data());
    for (auto& setting : settings) envp.push_back(setting.data());
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    start(argv.data(), envp.data());
  }
  ~Copy() {
    if (lines_ >= 0) ::close(lines_);
  }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;

  int64_t rank() const { return rank_; }
  bool runs() const { return runs_; }
  bool failed() const { return !runs_ && code_ != 0 && code_ != kInterrupted; }
  int code() const { return code_; }
  int signal() const { return signal_; }
  int pid() const { return pid_; }
  const std::string& text() const { return text_; }

  /// Reads what it wrote; whether it has ended just now.
  bool look() {
    if (!runs_) return false;
    read();
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) return false;
    runs_ = false;
    signal_ = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + signal_;
    read();
    return true;
  }
  void send(int signal) {
    if (runs_) ::kill(pid_, signal);
    ended_here_ = ended_here_ || (runs_ && signal != SIGINT);
  }
  /// By the launcher, after another has failed.
  bool ended_here() const { return ended_here_; }
  /// Stopped by a signal: it cannot notice that others have failed.
  bool is_stopped() const { return runs_ && process_state(pid_) == 'T'; }

 private:
  void start(char** argv, char** envp) {
    int ends[2] = {-1, -1};
    if (rank_ > 0 && ::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
      throw std::runtime_error(fmt::format("cannot start a process: {}", std::strerror(errno)));
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    if (rank_ > 0) {
      posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
      posix_spawn_file_actions_adddup2(&files, ends[1], STDERR_FILENO);
    }
    // A terminal's Ctrl-C reaches the launcher alone, which passes it on.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setpgroup(&attributes, 0);
    const int error = ::posix_spawn(&pid_, "/proc/self/exe", &files, &attributes, argv, envp);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    if (rank_ > 0) ::close(ends[1]);
    lines_ = ends[0];
    if (error != 0)
      throw std::runtime_error(fmt::format("cannot start a process: {}", std::strerror(error)));
    runs_ = true;
  }

  void read() {
    constexpr size_t kKept = 4000;
    char buffer[4096];
    ssize_t count = 0;
    while (lines_ >= 0 && (count = ::read(lines_, buffer, sizeof buffer)) > 0)
      text_.append(buffer, static_cast<size_t>(count));
    if (text_.size() > kKept) text_.erase(0, text_.size() - kKept);
  }

  int64_t rank_;
  int pid_ = 0, lines_ = -1, code_ = 0, signal_ = 0;
  bool runs_ = false, ended_here_ = false;
  std::string text_;
};

using Copies = std::vector<std::unique_ptr<Copy> >;

/// Until all have ended; returns the first that failed, if any.
const Copy* wait_for_all(const Copies& copies, milliseconds patience) {
  const Copy* first = nullptr;
  Clock::time_point failed_at;
  bool passed_on = false;
  int ended_by = 0;
  const auto send = [&](int signal) {
    for (const auto& copy : copies) copy->send(signal);
  };
  while (std::ranges::any_of(copies, [](const auto& copy) { return copy->runs(); })) {
    for (const auto& copy : copies) {
      if (!copy->look() || !copy->failed() || first != nullptr) continue;
      first = copy.get();
      failed_at = Clock::now();
    }
    if (InterruptGuard::requested() && !passed_on) {
      passed_on = true;
      send(SIGINT);
    }
    for (const auto& copy : copies)
      if (first != nullptr && copy->is_stopped()) copy->send(SIGKILL);
    const auto waited = first != nullptr ? Clock::now() - failed_at : Clock::duration::zero();
    if (waited > patience && ended_by == 0) send(ended_by = SIGTERM);
    if (waited > patience + milliseconds(5000) && ended_by == SIGTERM) send(ended_by = SIGKILL);
    std::this_thread::sleep_for(milliseconds(20));
  }
  return first;
}

/// What process 0 has not printed itself: each line once, without those about a process that says
/// itself why it has stopped.
void report_failures(const Copies& copies, const std::string& program) {
  std::set<std::string> printed;
  for (const auto& copy : copies) {
    if (!copy->failed()) continue;
    std::istringstream text(copy->text());
    for (std::string line; std::getline(text, line);) {
      const bool follows = line.find("has stopped with an error") != std::string::npos;
      if (!line.empty() && !follows && printed.insert(line).second)
        write_to_stderr(fmt::format("process {}: {}\n", copy->rank(), line));
    }
    if (copy->signal() != 0 && !copy->ended_here())
      write_to_stderr(fmt::format("{}: process {} (pid {}) was ended by signal {} ({})\n", program,
                                  copy->rank(), copy->pid(), copy->signal(),
                                  ::strsignal(copy->signal())));
  }
}

}  // namespace

int launch_processes(const LaunchOptions& options, const std::vector<std::string>& arguments) {
  const auto variables = variables_of_copies(options.processes);
  Copies copies;
  try {
    for (int64_t rank = 0; rank < options.processes; ++rank)
      copies.push_back(std::make_unique<Copy>(rank, arguments, variables));
  } catch (...) {
    for (const auto& copy : copies) copy->send(SIGKILL);
    throw;
  }
  const Copy* const first = wait_for_all(copies, options.patience);
  if (first != nullptr) {
    report_failures(copies, options.program);
    return first->code();
  }
  const bool stopped =
      std::ranges::any_of(copies, [](const auto& copy) { return copy->code() == kInterrupted; });
  return stopped ? kInterrupted : 0;
}

void follow_launcher() {
  const char* const launcher = std::getenv(kLauncher);
  if (launcher == nullptr) return;
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  // It may have ended before.
  if (std::to_string(::getppid()) != launcher) std::_Exit(kInterrupted);
}

#endif

}  // namespace zoo
