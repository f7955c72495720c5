// A CUDA block on the CPU: threads of the operating system with a barrier, shared memory, and warps
// that trade numbers. Slow, and exact in what matters: a barrier that some threads miss hangs or
// fails here as it does there.
#pragma once
#include <algorithm>
#include <array>
#include <barrier>
#include <memory>
#include <thread>
#include <vector>

#include "models/attention/kernels/cuda/rungs.h"

namespace zoo::testing {

/// What the threads of a block have in common.
class BlockMemory {
 public:
  BlockMemory(int threads, int64_t shared) : barrier(threads), shared(static_cast<size_t>(shared)) {
    for (int warp = 0; warp < (threads + cuda::kWarp - 1) / cuda::kWarp; ++warp)
      warps.push_back(std::make_unique<Warp>());
  }
  struct Warp {
    std::barrier<> barrier{cuda::kWarp};
    std::array<std::array<float, cuda::kWarp>, 2> numbers{};  // of this exchange and the one before
  };
  std::barrier<> barrier;
  std::vector<float> shared;
  std::vector<std::unique_ptr<Warp>> warps;
};

/// One thread's view of its block: the Block of models/attention/kernels/cuda/blocks.h.
class EmulatedBlock {
 public:
  EmulatedBlock(BlockMemory& memory, int64_t index, int thread, int threads)
      : memory_(memory), index_(index), thread_(thread), threads_(threads) {}

  int64_t index() const { return index_; }
  int64_t thread() const { return thread_; }
  int64_t threads() const { return threads_; }
  void sync() { memory_.barrier.arrive_and_wait(); }
  float* shared() { return memory_.shared.data(); }
  float warp_max(float x) {
    return traded(x, [](const auto& all) {
      float most = all[0];
      for (const float one : all) most = std::fmax(most, one);
      return most;
    });
  }
  float warp_sum(float x) {
    return traded(x, [](const auto& all) {
      float sum = 0;
      for (const float one : all) sum += one;
      return sum;
    });
  }
  float warp_get(float x, int lane) {
    return traded(x, [lane](const auto& all) { return all[static_cast<size_t>(lane)]; });
  }
  /// A thread that ends early no longer counts for the barriers.
  void leave() { memory_.barrier.arrive_and_drop(); }

 private:
  template <class F>
  float traded(float x, F f) {
    auto& warp = *memory_.warps[static_cast<size_t>(thread_ / cuda::kWarp)];
    // Two places in turn: whoever writes the next number may overtake a slow reader of this one.
    auto& numbers = warp.numbers[static_cast<size_t>(exchanges_++ % 2)];
    numbers[static_cast<size_t>(thread_ % cuda::kWarp)] = x;
    warp.barrier.arrive_and_wait();
    return f(numbers);
  }
  BlockMemory& memory_;
  int64_t index_;
  int thread_, threads_;
  int64_t exchanges_ = 0;
};

/// Runs body(block) for all threads of all blocks, block after block.
template <class Body>
void emulate(const cuda::Grid& grid, const Body& body) {
  for (int64_t index = 0; index < grid.blocks; ++index) {
    BlockMemory memory(grid.threads, grid.shared);
    std::vector<std::thread> threads;
    for (int n = 0; n < grid.threads; ++n) {
      threads.emplace_back([&, n] {
        EmulatedBlock block(memory, index, n, grid.threads);
        body(block);
        block.leave();
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
}

}  // namespace zoo::testing
