// The machine's memory, a container's limit, and the shell's.
#include "base/memory_limit.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>
#include <stdexcept>

#if __has_include(<sys/resource.h>)
#include <sys/resource.h>
#include <unistd.h>
#endif

namespace zoo {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The number in a system file; infinity for "max", or without such a file.
double number_in(const char* path) {
  std::ifstream in(path);
  double number = 0;
  return in >> number && number > 0 ? number : kInfinity;
}

std::string with_unit(double bytes) {
  static constexpr std::array kUnits = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  size_t unit = 0;
  for (; bytes >= 1000 && unit + 1 < kUnits.size(); ++unit) bytes /= 1000;
  return fmt::format("{:.{}f} {}", bytes, bytes < 100 ? 1 : 0, kUnits[unit]);
}

}  // namespace

double memory_limit() {
  double bytes = kInfinity;
#if __has_include(<sys/resource.h>)
  const long pages = ::sysconf(_SC_PHYS_PAGES), size = ::sysconf(_SC_PAGESIZE);
  if (pages > 0 && size > 0) bytes = static_cast<double>(pages) * static_cast<double>(size);
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    bytes = std::min(bytes, static_cast<double>(limit.rlim_cur));
#endif
  for (const char* cgroup :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"})
    bytes = std::min(bytes, number_in(cgroup));
  return bytes;
}

void require_memory(double bytes, std::string_view what, std::string_view what_to_do) {
  const double limit = memory_limit();
  if (!(bytes > limit)) return;
  throw std::invalid_argument(
      fmt::format("{} needs at least {} of memory, but {} is all there is; {}", what,
                  with_unit(bytes), with_unit(limit), what_to_do));
}

}  // namespace zoo
