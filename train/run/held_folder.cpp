#include "train/run/held_folder.h"

#include <fmt/format.h>

#include <cerrno>
#include <stdexcept>

#if !defined(_WIN32)
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace zoo {

#if !defined(_WIN32)

HeldFolder::HeldFolder(std::filesystem::path path)
    : path_(std::move(path)),
      descriptor_(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}

HeldFolder::~HeldFolder() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

// The folder itself is locked: no file that a killed process could leave behind.
void HeldFolder::lock() const {
  // Other errors are those of file systems that know no locks.
  if (descriptor_ < 0 || ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
    return;
  throw std::runtime_error(fmt::format(
      "run folder '{}' is in use: another process trains in it; wait for its end, or stop it",
      path_.string()));
}

// An open folder keeps its number, so that one made in its place has another.
bool HeldFolder::in_place() const {
  if (descriptor_ < 0) return true;
  struct stat held = {}, found = {};
  return ::fstat(descriptor_, &held) == 0 && ::stat(path_.c_str(), &found) == 0 &&
         held.st_dev == found.st_dev && held.st_ino == found.st_ino;
}

#else

HeldFolder::HeldFolder(std::filesystem::path path) : path_(std::move(path)) {}
HeldFolder::~HeldFolder() = default;
void HeldFolder::lock() const {}
bool HeldFolder::in_place() const { return true; }

#endif

void HeldFolder::require_in_place() const {
  if (in_place()) return;
  throw std::runtime_error(
      fmt::format("run folder '{}' is no longer the one that this run began in: it was moved, "
                  "removed or replaced; nothing was written into what lies there now",
                  path_.string()));
}

}  // namespace zoo
