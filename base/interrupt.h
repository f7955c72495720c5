// Ctrl-C and SIGTERM as a polite request: the work finishes its step, saves and returns.
#pragma once
#include <stdexcept>
#include <string_view>

namespace zoo {

/// Exit code of a program that stopped early because it was asked to, whatever it saved: what a
/// shell expects of a program that Ctrl-C ended.
inline constexpr int kInterrupted = 130;

/// Thrown by work that was asked to stop and has nothing to keep.
struct Interrupted : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// While alive, the first SIGINT or SIGTERM only sets a flag; the second one ends the program at
/// once. A signal that the program was started to ignore (nohup, a job in the background) stays
/// ignored. Guards nest: only the outermost begins without a request, so a program that does its
/// work in parts holds one over all of them.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
  /// True once a signal has come, while there is a guard.
  static bool requested();
  /// For tests and for work that stops for reasons of its own: as if a signal had come.
  static void request();
};

/// For every loop that may take long and whose work is worth nothing in halves. Throws Interrupted
/// ("interrupted while reading the pictures; nothing was kept") where a guard is alive and a signal
/// has come.
void stop_if_interrupted(std::string_view doing);

}  // namespace zoo
