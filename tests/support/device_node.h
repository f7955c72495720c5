// Device nodes of a test's own: a test never writes to those of /dev.
#pragma once
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>

namespace zoo::testing {

/// A character device of Linux's memory devices (1, minor). False where making or opening one is
/// not allowed.
inline bool make_memory_device(const std::filesystem::path& path, unsigned minor) {
#if defined(__linux__)
  if (::mknod(path.c_str(), S_IFCHR | 0600, makedev(1, minor)) != 0) return false;
  const int opened = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (opened < 0) return false;
  ::close(opened);
  return true;
#else
  (void)path;
  (void)minor;
  return false;
#endif
}
inline bool make_null_device(const std::filesystem::path& path) {
  return make_memory_device(path, 3);
}
/// On which every write fails: "No space left on device".
inline bool make_full_device(const std::filesystem::path& path) {
  return make_memory_device(path, 7);
}

}  // namespace zoo::testing
