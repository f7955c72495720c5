#include "train/processes/identity.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>

#if !defined(_WIN32)
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>
#endif

namespace zoo {
namespace {

#if !defined(_WIN32)

std::string host_name() {
  std::array<char, 256> name = {};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown host";
}

/// Processes with the same text have one table of processes: one boot, one namespace.
std::string kernel_of_this_process() {
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  std::array<char, 128> space = {};
  if (boot.empty() || ::readlink("/proc/self/ns/pid", space.data(), space.size() - 1) < 0)
    return {};
  return boot + space.data();
}

#endif

}  // namespace

std::string ProcessIdentity::name() const {
  return fmt::format("process {} ({}, pid {})", rank, host, pid);
}

std::string ProcessIdentity::to_text() const {
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", rank, size, pid, host, address, kernel);
}

ProcessIdentity ProcessIdentity::from_text(const std::string& text) {
  std::istringstream lines(text);
  ProcessIdentity found;
  lines >> found.rank >> found.size >> found.pid;
  lines.ignore();
  std::getline(lines, found.host);
  std::getline(lines, found.address);
  std::getline(lines, found.kernel);
  return found;
}

#if !defined(_WIN32)

ProcessIdentity own_identity(int64_t rank, int64_t size, const std::string& address) {
  return {.rank = rank,
          .size = size,
          .host = host_name(),
          .pid = ::getpid(),
          .address = address,
          .kernel = kernel_of_this_process()};
}

char process_state(int64_t pid) {
  // "123 (train_gpt) S ...": the state comes after the last parenthesis.
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string stat;
  std::getline(file, stat);
  const size_t end = stat.rfind(')');
  return end != std::string::npos && end + 2 < stat.size() ? stat[end + 2] : '\0';
}

bool has_ended(const ProcessIdentity& process, const ProcessIdentity& own) {
  if (own.kernel.empty() || process.kernel != own.kernel) return false;
  const char state = process_state(process.pid);
  return state == '\0' || state == 'Z' || state == 'X';
}

std::string local_address_towards(const std::string& host, int port) {
  addrinfo wanted = {}, *found = nullptr;
  wanted.ai_socktype = SOCK_DGRAM;
  if (const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found);
      error != 0)
    throw std::runtime_error(fmt::format("the host '{}' of MASTER_ADDR cannot be found: {}", host,
                                         ::gai_strerror(error)));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list(found, &::freeaddrinfo);
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    const int end = ::socket(entry->ai_family, entry->ai_socktype | SOCK_CLOEXEC, 0);
    if (end < 0) continue;
    // Nothing is sent: connecting a datagram socket only chooses the way.
    sockaddr_storage own = {};
    socklen_t length = sizeof own;
    std::array<char, NI_MAXHOST> text = {};
    const bool known = ::connect(end, entry->ai_addr, entry->ai_addrlen) == 0 &&
                       ::getsockname(end, reinterpret_cast<sockaddr*>(&own), &length) == 0 &&
                       ::getnameinfo(reinterpret_cast<sockaddr*>(&own), length, text.data(),
                                     text.size(), nullptr, 0, NI_NUMERICHOST) == 0;
    ::close(end);
    if (known) return text.data();
  }
  throw std::runtime_error(
      fmt::format("no network leads to '{}' of MASTER_ADDR: {}", host, std::strerror(errno)));
}

#else

ProcessIdentity own_identity(int64_t rank, int64_t size, const std::string& address) {
  return {.rank = rank, .size = size, .host = "this machine", .address = address};
}
char process_state(int64_t) { return '\0'; }
bool has_ended(const ProcessIdentity&, const ProcessIdentity&) { return false; }
std::string local_address_towards(const std::string&, int) { return "127.0.0.1"; }

#endif

}  // namespace zoo
