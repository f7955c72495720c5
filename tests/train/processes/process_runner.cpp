// Also the main(): of the tests, and of the processes that they start.
#include "tests/train/processes/process_runner.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <thread>

#include "app/run_app.h"
#include "base/files.h"

extern char** environ;

namespace zoo {
namespace {

using Clock = std::chrono::steady_clock;

std::map<std::string, std::function<void()>>& bodies() {
  static std::map<std::string, std::function<void()>> all;
  return all;
}

struct Child {
  int rank = 0, pid = 0;
  std::string out = {}, err = {};
};

Child start(int rank, const ProcessRun& run, std::map<std::string, std::string> variables) {
  for (const auto& [name, value] : run.variables) variables[name] = value;
  if (const auto own = run.variables_of.find(rank); own != run.variables_of.end())
    for (const auto& [name, value] : own->second) variables[name] = value;
  std::vector<std::string> words, settings;
  if (const auto before = run.command_of.find(rank); before != run.command_of.end())
    words = before->second;
  words.push_back("/proc/self/exe");
  // The words of another program resolve the link differently.
  words.back() = std::filesystem::read_symlink("/proc/self/exe").string();
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string setting = *entry;
    if (!variables.contains(setting.substr(0, setting.find('=')))) settings.push_back(setting);
  }
  for (const auto& [name, value] : variables) settings.push_back(name + "=" + value);
  std::vector<char*> argv, envp;
  for (auto& word : words) argv.push_back(word.data());
  for (auto& setting : settings) envp.push_back(setting.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);

  Child child{.rank = rank};
  const auto base = std::filesystem::temp_directory_path() /
                    ("zoo-process-" + std::to_string(::getpid()) + "-" + std::to_string(rank));
  child.out = base.string() + ".out";
  child.err = base.string() + ".err";
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  constexpr int kNew = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, child.out.c_str(), kNew, 0600);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, child.err.c_str(), kNew, 0600);
  const int error =
      ::posix_spawnp(&child.pid, argv.front(), &files, nullptr, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) throw std::runtime_error("cannot start " + words.front());
  return child;
}

ProcessEnd end_of(const Child& child, int status, double seconds) {
  ProcessEnd end{.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                 .output = read_file(child.out),
                 .errors = read_file(child.err),
                 .seconds = seconds};
  std::filesystem::remove(child.out);
  std::filesystem::remove(child.err);
  return end;
}

}  // namespace

ProcessBody::ProcessBody(const std::string& name, const std::function<void()>& body) {
  bodies()[name] = body;
}

std::vector<ProcessEnd> run_processes(int count, const ProcessRun& run) {
  const std::string port = std::to_string(free_port());
  std::vector<Child> children;
  for (int rank = 0; rank < count; ++rank) {
    children.push_back(start(rank, run,
                             {{"ZOO_TEST_BODY", run.body},
                              {"RANK", std::to_string(rank)},
                              {"WORLD_SIZE", std::to_string(count)},
                              {"LOCAL_RANK", std::to_string(rank)},
                              {"LOCAL_WORLD_SIZE", std::to_string(count)},
                              {"MASTER_ADDR", "127.0.0.1"},
                              {"MASTER_PORT", port},
                              {"OMP_NUM_THREADS", "1"}}));
  }
  std::vector<ProcessEnd> ends(static_cast<size_t>(count));
  std::vector<bool> ended(static_cast<size_t>(count), false);
  const auto began = Clock::now();
  std::optional<double> ready;
  const auto has_printed = [](const Child& child) {
    std::error_code error;
    const auto bytes = std::filesystem::file_size(child.out, error);
    return !error && bytes > 0;
  };
  for (int open = count; open > 0;) {
    const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
    if (!ready && std::ranges::all_of(children, has_printed)) ready = seconds;
    for (const Child& child : children) {
      const auto i = static_cast<size_t>(child.rank);
      int status = 0;
      if (ended[i]) continue;
      if (::waitpid(child.pid, &status, WNOHANG) != 0) {
        ends[i] = end_of(child, status, seconds - ready.value_or(0.0));
        ended[i] = true;
        --open;
      } else if (seconds > run.most_seconds) {
        ::kill(child.pid, SIGKILL);
      } else if (run.meddle && ready) {
        run.meddle(child.rank, child.pid, seconds - *ready);
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return ends;
}

int free_port() {
  const int end = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ::bind(end, reinterpret_cast<sockaddr*>(&address), length);
  ::getsockname(end, reinterpret_cast<sockaddr*>(&address), &length);
  ::close(end);
  return ntohs(address.sin_port);
}

int own_rank() { return static_cast<int>(variable_or("RANK", 0)); }
int own_size() { return static_cast<int>(variable_or("WORLD_SIZE", 1)); }

double variable_or(const std::string& name, double otherwise) {
  const char* const value = std::getenv(name.c_str());
  return value == nullptr ? otherwise : std::strtod(value, nullptr);
}

}  // namespace zoo

int main(int argc, char** argv) {
  if (const char* const body = std::getenv("ZOO_TEST_BODY"); body != nullptr) {
    return zoo::run_app("body", [&] {
      zoo::bodies().at(body)();
      return 0;
    });
  }
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
