// The end of a process that others have left: threads of torch may wait for them forever.
#pragma once

namespace zoo {

/// When the program ends, it ends at once with its exit code: no destructor of a global is called.
void leave_without_destructors();
/// Ends the program with what it has printed.
[[noreturn]] void leave_at_once(int code);

}  // namespace zoo
