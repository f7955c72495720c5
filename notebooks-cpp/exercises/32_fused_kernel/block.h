// A block of GPU threads on the CPU, with the names of models/attention/kernels/cuda/blocks.h. The
// threads take turns: each runs to its next barrier. Accesses are watched: one beyond the end of
// an array, or to a number of shared memory that another thread handles between the same two
// barriers, is trouble on a GPU even where the result happens to be right.
#pragma once
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace gpu {

class Machine;

/// Numbers in the GPU's memory, or in shared memory: float x = array[n] reads, array[n] = x writes.
class Array {
 public:
  class Number {
   public:
    operator float() const;
    float operator=(float x);
    float operator=(const Number& other) { return *this = static_cast<float>(other); }

   private:
    friend class Array;
    Number(Machine* machine, size_t which, int64_t n) : machine_(machine), which_(which), n_(n) {}
    Machine* machine_;
    size_t which_;
    int64_t n_;
  };

  Number operator[](int64_t n) const { return {machine_, which_, first_ + n}; }
  /// The same array from its n-th number on.
  Array operator+(int64_t n) const { return {machine_, which_, first_ + n}; }

 private:
  friend class Machine;
  friend class Block;
  Array(Machine* machine, size_t which, int64_t first)
      : machine_(machine), which_(which), first_(first) {}
  Machine* machine_;
  size_t which_;
  int64_t first_;
};

/// What a thread sees of its block.
class Block {
 public:
  int64_t index() const { return index_; }      ///< of this block in the grid
  int64_t thread() const { return thread_; }    ///< of this thread in the block
  int64_t threads() const { return threads_; }  ///< of the block
  Array shared() const { return {machine_, 0, 0}; }
  /// Goes on when all threads of the block are here. Each must come to the same sync().
  void sync(int line = __builtin_LINE());

 private:
  friend class Machine;
  Block(Machine* machine, int64_t index, int64_t thread, int64_t threads)
      : machine_(machine), index_(index), thread_(thread), threads_(threads) {}
  Machine* machine_;
  int64_t index_, thread_, threads_;
};

using Combine = float (*)(float, float);
inline float sum_of(float a, float b) { return a + b; }
inline float larger_of(float a, float b) { return a > b ? a : b; }

inline constexpr float kHidden = -std::numeric_limits<float>::infinity();

}  // namespace gpu
