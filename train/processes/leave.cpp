#include "train/processes/leave.h"

#include <cstdio>
#include <cstdlib>
#include <iostream>

namespace zoo {
namespace {

#if !defined(__GLIBC__)
void leave_failed() { leave_at_once(1); }
#endif

}  // namespace

void leave_at_once(int code) {
  std::cout.flush();
  std::fflush(nullptr);
  std::_Exit(code);
}

void leave_without_destructors() {
#if defined(__GLIBC__)
  ::on_exit([](int code, void*) { leave_at_once(code); }, nullptr);
#else
  std::atexit(leave_failed);
#endif
}

}  // namespace zoo
