// Where torch comes with an OpenMP library (Linux), its thread pool is used through the library's
// entry point. at::parallel_for is a template and runs on one thread in code that was not itself
// compiled for OpenMP, and a thread pool of our own would compete for the cores with torch's
// waiting threads.
#include "models/simd/parallel.h"

#include <ATen/Parallel.h>

#include <atomic>
#include <exception>
#include <mutex>

#if __has_include(<dlfcn.h>)
#include <dlfcn.h>
#endif

namespace zoo {
namespace {

struct Work {
  const std::function<void(int64_t)>& task;
  int64_t count;
  std::atomic<int64_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;

  void run() {
    for (int64_t n = next++; n < count; n = next++) {
      try {
        task(n);
      } catch (...) {
        const std::scoped_lock lock(mutex);
        if (!failure) failure = std::current_exception();
        next = count;
      }
    }
  }
};

using Parallel = void (*)(void (*)(void*), void*, unsigned threads, unsigned flags);

Parallel openmp_parallel() {
#if __has_include(<dlfcn.h>)
  static const auto found = reinterpret_cast<Parallel>(::dlsym(RTLD_DEFAULT, "GOMP_parallel"));
  return found;
#else
  return nullptr;
#endif
}

}  // namespace

void for_each_task(int64_t count, const std::function<void(int64_t)>& task) {
  Work work{.task = task, .count = count, .next{}, .mutex{}, .failure{}};
  // Use the full team, as torch does: for a smaller one the library would end threads and start
  // them again for the next.
  const int64_t threads = count > 1 ? at::get_num_threads() : 1;
  if (threads <= 1 || at::in_parallel_region()) {
    work.run();
  } else if (const Parallel parallel = openmp_parallel()) {
    parallel([](void* data) { static_cast<Work*>(data)->run(); }, &work,
             static_cast<unsigned>(threads), 0);
  } else {
    at::parallel_for(0, threads, 1, [&](int64_t, int64_t) { work.run(); });
  }
  if (work.failure) std::rethrow_exception(work.failure);
}

}  // namespace zoo
