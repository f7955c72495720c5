// Many sequences of token ids in two arrays: a corpus of millions of sentences without millions of
// allocations.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace zoo {

class TokenSequences {
 public:
  void append(std::span<const int32_t> ids) {
    ids_.insert(ids_.end(), ids.begin(), ids.end());
    ends_.push_back(std::ssize(ids_));
  }
  int64_t size() const { return std::ssize(ends_); }
  std::span<const int32_t> at(int64_t index) const {
    const int64_t begin = index == 0 ? 0 : ends_[static_cast<size_t>(index) - 1];
    return std::span(ids_).subspan(static_cast<size_t>(begin), static_cast<size_t>(length(index)));
  }
  int64_t length(int64_t index) const {
    const auto i = static_cast<size_t>(index);
    return ends_[i] - (i == 0 ? 0 : ends_[i - 1]);
  }
  int64_t tokens() const { return std::ssize(ids_); }
  /// The sequences at `indices`, in this order.
  std::vector<std::span<const int32_t>> at(std::span<const int64_t> indices) const {
    std::vector<std::span<const int32_t>> rows;
    rows.reserve(indices.size());
    for (const int64_t index : indices) rows.push_back(at(index));
    return rows;
  }

 private:
  std::vector<int32_t> ids_;
  std::vector<int64_t> ends_;
};

}  // namespace zoo
