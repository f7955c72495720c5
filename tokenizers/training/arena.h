// Many small arrays with one lifetime.
#pragma once
#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

namespace zoo {

/// Allocates arrays of T from large blocks, without gaps. Arrays never move, even if the arena is
/// moved, and are freed with it.
template <class T>
class Arena {
 public:
  /// `size` uninitialised values.
  T* allocate(size_t size) {
    if (size > left_) {
      const size_t block = std::max(size, kBlock);
      blocks_.push_back(std::unique_ptr<T[]>(new T[block]));
      next_ = blocks_.back().get();
      left_ = block;
    }
    T* const begin = next_;
    next_ += size;
    left_ -= size;
    return begin;
  }

 private:
  static constexpr size_t kBlock = (1 << 20) / sizeof(T);
  std::vector<std::unique_ptr<T[]>> blocks_;
  T* next_ = nullptr;
  size_t left_ = 0;
};

}  // namespace zoo
