#include "app/interrupt.h"

#include <atomic>
#include <csignal>

namespace zoo {
namespace {

std::atomic<bool> stop_requested = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may not wait for a lock");
int guards_alive = 0;
void (*previous_int)(int) = SIG_DFL;
void (*previous_term)(int) = SIG_DFL;

void on_signal(int number) {
  if (stop_requested.exchange(true)) {
    std::signal(number, SIG_DFL);
    std::raise(number);
  }
}

}  // namespace

InterruptGuard::InterruptGuard() {
  if (guards_alive++ > 0) return;
  stop_requested = false;
  previous_int = std::signal(SIGINT, on_signal);
  previous_term = std::signal(SIGTERM, on_signal);
}

InterruptGuard::~InterruptGuard() {
  if (--guards_alive > 0) return;
  std::signal(SIGINT, previous_int);
  std::signal(SIGTERM, previous_term);
}

bool InterruptGuard::requested() { return stop_requested; }

void InterruptGuard::request() { stop_requested = true; }

}  // namespace zoo
