#include "base/streams.h"

#include <cstdio>
#include <iostream>

namespace zoo {
namespace {

/// Both buffers: std::cout has one of its own where a program does not synchronise it with stdio.
void flush_stdout() {
  try {
    std::cout.flush();
  } catch (const std::ios_base::failure&) {  // std::cout remembers it
  }
  std::fflush(stdout);
}

}  // namespace

void write_to_stderr(std::string_view text) {
  flush_stdout();
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

void write_to_stdout(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  flush_stdout();
}

void mute_stdout() {
  flush_stdout();
  [[maybe_unused]] const auto* const nothing = std::freopen("/dev/null", "w", stdout);
}

}  // namespace zoo
