// A process of a run, as the others know it.
#pragma once
#include <cstdint>
#include <string>

namespace zoo {

struct ProcessIdentity {
  int64_t rank = 0;
  int64_t size = 1;  ///< of its run, as it was told
  std::string host = {};
  int64_t pid = 0;
  std::string address = {};  ///< at which the others reach it
  std::string kernel = {};   ///< the same for processes that see each other's pid

  /// "process 1 (node7, pid 123)"
  std::string name() const;
  std::string to_text() const;
  static ProcessIdentity from_text(const std::string& text);
};

/// Of this process.
ProcessIdentity own_identity(int64_t rank, int64_t size, const std::string& address);

/// The kernel's letter for what a process does: R, S, T (stopped), Z (ended); 0 where there is
/// none.
char process_state(int64_t pid);

/// Whether a process on this machine has ended; false for one on another.
bool has_ended(const ProcessIdentity& process, const ProcessIdentity& own);

/// The address with which this machine reaches a host: what others there can dial. Throws
/// std::runtime_error if the name of the host is unknown, or no network leads there.
std::string local_address_towards(const std::string& host, int port);

}  // namespace zoo
