// A map from pairs of ids: the most frequent lookup of training.
#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace zoo {

/// Two ids as one number, ordered by the left id, then the right one.
constexpr uint64_t pair_of(uint32_t left, uint32_t right) { return uint64_t{left} << 32 | right; }
constexpr uint32_t left_of(uint64_t pair) { return static_cast<uint32_t>(pair >> 32); }
constexpr uint32_t right_of(uint64_t pair) { return static_cast<uint32_t>(pair); }

/// Values by pair, initially Value(). Open addressing: a lookup costs one cache line.
template <class Value>
class PairMap {
 public:
  /// The reference is valid until the next call.
  Value& operator[](uint64_t pair) {
    if (2 * (size_ + 1) > places_.size()) grow();
    Place& place = places_[find(pair)];
    if (place.pair == kNone) {
      place.pair = pair;
      ++size_;
    }
    return place.value;
  }

  size_t size() const { return size_; }

 private:
  static constexpr uint64_t kNone = ~uint64_t{0};
  struct Place {
    uint64_t pair = kNone;
    Value value{};
  };

  size_t find(uint64_t pair) const {
    uint64_t mixed = (pair ^ pair >> 32) * 0x9E3779B97F4A7C15u;
    mixed ^= mixed >> 29;
    size_t at = mixed & (places_.size() - 1);
    while (places_[at].pair != pair && places_[at].pair != kNone) {
      at = (at + 1) & (places_.size() - 1);
    }
    return at;
  }

  void grow() {
    std::vector<Place> old(places_.empty() ? 64 : 2 * places_.size());
    old.swap(places_);
    for (const Place& place : old) {
      if (place.pair != kNone) places_[find(place.pair)] = place;
    }
  }

  std::vector<Place> places_;
  size_t size_ = 0;
};

}  // namespace zoo
