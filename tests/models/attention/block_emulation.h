// A CUDA block on the CPU: operating system threads with a barrier, shared memory, and warps that
// exchange numbers and pieces of matrices. Slow, but a barrier that some threads miss hangs or
// fails here as on a GPU.
#pragma once
#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <algorithm>
#include <array>
#include <barrier>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "models/attention/kernels/cuda/variants.h"

namespace zoo::testing {

/// The memory and barriers of a block.
class BlockMemory {
 public:
  BlockMemory(int threads, int64_t shared) : barrier(threads), shared(static_cast<size_t>(shared)) {
    for (int warp = 0; warp < (threads + cuda::kWarp - 1) / cuda::kWarp; ++warp)
      warps.push_back(std::make_unique<Warp>());
  }
  struct Warp {
    std::barrier<> barrier{cuda::kWarp};
    using Slot = std::array<std::byte, 32>;
    std::array<std::array<Slot, cuda::kWarp>, 2> slots{};  // this exchange, and the previous one
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
    float most = x;
    for (const float one : all_of(x)) most = std::fmax(most, one);
    return most;
  }
  float warp_sum(float x) {
    float sum = 0;
    for (const float one : all_of(x)) sum += one;
    return sum;
  }
  float warp_get(float x, int lane) { return all_of(x)[static_cast<size_t>(lane)]; }

  static float exp2(float x) { return std::exp2(x); }
  template <class Entry>
  static uint32_t pack(float low, float high) {
    return bits_of(low, Entry{}) | uint32_t{bits_of(high, Entry{})} << 16;
  }
  static float unpack(BFloat16Bits x) { return c10::BFloat16(x.bits, c10::BFloat16::from_bits()); }
  static float unpack(Float16Bits x) { return c10::Half(x.bits, c10::Half::from_bits()); }
  /// The copy happens as late as possible; until then the memory holds other bits.
  void copy_async(uint16_t* to, const void* from) {
    std::memset(to, 0xFF, kCopy);
    copies_.emplace_back(to, from);
  }
  void wait_for_copies() {
    for (const auto& [to, from] : copies_) std::memcpy(to, from, kCopy);
    copies_.clear();
  }
  void load_pieces(uint32_t (&pieces)[4], const uint16_t* row, bool transposed) {
    const auto rows = all_of(row);
    const size_t g = lane() / 4, c = lane() % 4 * 2;
    for (size_t matrix = 0; matrix < 4; ++matrix) {
      const auto number = [&](size_t at_row, size_t column) {
        return uint32_t{rows[matrix * 8 + at_row][column]};
      };
      pieces[matrix] = transposed ? number(c, g) | number(c + 1, g) << 16
                                  : number(g, c) | number(g, c + 1) << 16;
    }
  }
  template <class Entry>
  void multiply_add(float (&sums)[4], const uint32_t (&left)[4], uint32_t right0, uint32_t right1) {
    struct Factors {
      std::array<uint32_t, 4> left;
      std::array<uint32_t, 2> right;
    };
    const auto all = all_of(Factors{{left[0], left[1], left[2], left[3]}, {right0, right1}});
    const auto half = [](uint32_t word, size_t which) {
      return unpack(Entry{static_cast<uint16_t>(word >> 16 * which)});
    };
    for (size_t i = 0; i < 4; ++i) {
      const size_t row = lane() / 4 + i / 2 * 8, column = lane() % 4 * 2 + i % 2;
      for (size_t k = 0; k < 16; ++k) {
        const uint32_t a = all[row % 8 * 4 + k % 8 / 2].left[row / 8 + k / 8 * 2];
        const uint32_t b = all[column * 4 + k % 8 / 2].right[k / 8];
        sums[i] += half(a, k % 2) * half(b, k % 2);
      }
    }
  }
  /// A thread that ends early no longer counts for the barriers.
  void leave() { memory_.barrier.arrive_and_drop(); }

 private:
  size_t lane() const { return static_cast<size_t>(thread_ % cuda::kWarp); }
  static uint16_t bits_of(float x, BFloat16Bits) { return c10::BFloat16(x).x; }
  static uint16_t bits_of(float x, Float16Bits) { return c10::Half(x).x; }
  /// The arguments of all threads of the warp, by lane.
  template <class T>
  std::array<T, cuda::kWarp> all_of(const T& x) {
    auto& warp = *memory_.warps[static_cast<size_t>(thread_ / cuda::kWarp)];
    static_assert(sizeof(T) <= sizeof(BlockMemory::Warp::Slot));
    // Two buffers in turn: a fast thread may write the next one while a slow one reads this one.
    auto& slots = warp.slots[static_cast<size_t>(exchanges_++ % 2)];
    std::memcpy(&slots[lane()], &x, sizeof x);
    warp.barrier.arrive_and_wait();
    std::array<T, cuda::kWarp> all{};
    for (size_t n = 0; n < all.size(); ++n) std::memcpy(&all[n], &slots[n], sizeof x);
    return all;
  }
  BlockMemory& memory_;
  int64_t index_;
  int thread_, threads_;
  int64_t exchanges_ = 0;
  static constexpr size_t kCopy = 16;                      // bytes
  std::vector<std::pair<uint16_t*, const void*>> copies_;  // not yet done
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
