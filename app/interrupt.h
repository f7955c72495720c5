// Ctrl-C and SIGTERM as a polite request: the work finishes its step, saves and returns.
#pragma once

namespace zoo {

/// While alive, the first SIGINT or SIGTERM only sets a flag; the second one ends the program at
/// once.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
  /// True once a signal has come.
  static bool requested();
  /// For tests and for work that stops for reasons of its own: as if a signal had come.
  static void request();
};

}  // namespace zoo
