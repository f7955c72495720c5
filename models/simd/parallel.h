// Independent tasks on torch's own threads.
#pragma once
#include <cstdint>
#include <functional>

namespace zoo {

/// Calls task(0) ... task(count - 1), each once, on at::get_num_threads() threads. A free thread
/// takes the next task. An exception of a task is rethrown here after all have ended.
void for_each_task(int64_t count, const std::function<void(int64_t)>& task);

}  // namespace zoo
