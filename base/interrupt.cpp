#include "base/interrupt.h"

#include <atomic>
#include <csignal>
#include <string>

namespace zoo {
namespace {

std::atomic<bool> stop_requested = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may not wait for a lock");
int guards_alive = 0;
using Handler = void (*)(int);
Handler previous_int = SIG_DFL;
Handler previous_term = SIG_DFL;

void on_signal(int number) {
  if (stop_requested.exchange(true)) {
    std::signal(number, SIG_DFL);
    std::raise(number);
  }
}

Handler catch_unless_ignored(int number) {
  const Handler previous = std::signal(number, on_signal);
  if (previous == SIG_IGN) std::signal(number, SIG_IGN);
  return previous;
}

}  // namespace

InterruptGuard::InterruptGuard() {
  if (guards_alive++ > 0) return;
  stop_requested = false;
  previous_int = catch_unless_ignored(SIGINT);
  previous_term = catch_unless_ignored(SIGTERM);
}

InterruptGuard::~InterruptGuard() {
  if (--guards_alive > 0) return;
  std::signal(SIGINT, previous_int);
  std::signal(SIGTERM, previous_term);
}

bool InterruptGuard::requested() { return guards_alive > 0 && stop_requested; }

void InterruptGuard::request() { stop_requested = true; }

void stop_if_interrupted(std::string_view doing) {
  if (InterruptGuard::requested()) throw_interrupted(doing);
}

void throw_interrupted(std::string_view doing) {
  throw Interrupted("interrupted while " + std::string(doing) + "; nothing was kept");
}

}  // namespace zoo
