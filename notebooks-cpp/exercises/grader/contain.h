// What a student's code may use: limits of the process that runs it.
#pragma once

namespace exercises {

/// Call once torch is loaded, before the student's library is. Limits of memory (1 GB beyond what
/// is used now), processor time (120 s), a file's size (1 MB), open files (64); no core dump.
void contain();

}  // namespace exercises
