// Independent tasks on torch's own threads.
#pragma once
#include <cstdint>
#include <functional>

namespace zoo {

/// Calls task(0) ... task(count - 1), each once, on at::get_num_threads() threads; whoever is free
/// takes the next one. What a task throws is thrown here, once all have ended.
void for_each_task(int64_t count, const std::function<void(int64_t)>& task);

}  // namespace zoo
