// What a student's code may do: limits on the process that runs it, and a filter of system calls.
#pragma once
#include <functional>
#include <string>
#include <vector>

namespace exercises {

/// Call once torch is loaded, before the student's library is. Limits of memory (1 GB beyond what
/// is used now), processor time (120 s), a file's size (1 MB), open files (64); no core dump. Calls
/// that start processes, open connections, change files, signal other processes or lift limits
/// end the process: first the frame that `frame_for` made of the message goes to `descriptor`.
/// Reading files is not contained. False: this system has no filter; the limits hold.
bool contain(int descriptor, const std::function<std::vector<char>(const std::string&)>& frame_for);

}  // namespace exercises
