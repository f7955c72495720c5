// Many small arrays that live and die together.
#pragma once
#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

namespace zoo {

/// Hands out arrays of T from large blocks, without room between them; all go with the arena, and
/// none moves before. Moving the arena moves no array.
template <class T>
class Arena {
 public:
  /// `size` values, not initialised.
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
