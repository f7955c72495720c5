// Ctrl-C and SIGTERM as a request: the work finishes its step, saves and returns.
#pragma once
#include <stdexcept>
#include <string_view>

namespace zoo {

/// Exit code of a program that stopped early on request: as shells expect after Ctrl-C.
inline constexpr int kInterrupted = 130;

/// Thrown by work that stops on request and keeps nothing.
struct Interrupted : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// While it lives, the first SIGINT or SIGTERM only sets a flag; the second one ends the program. A
/// signal that was ignored at the start (nohup, a background job) stays ignored. Guards nest: only
/// the outermost resets the flag, so that a program with several parts holds one guard over all of
/// them.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
  /// True after a signal, while a guard lives.
  static bool requested();
  /// Sets the flag as a signal does; for tests, and for work that stops for other reasons.
  static void request();
};

/// For long loops whose partial work is useless. After a signal, throws Interrupted: "interrupted
/// while reading the pictures; nothing was kept".
void stop_if_interrupted(std::string_view doing);
/// Throws that, whether or not there was a signal here.
[[noreturn]] void throw_interrupted(std::string_view doing);

}  // namespace zoo
