// A hash table from pieces to ids: open addressing, with all keys in one string.
#pragma once
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace zoo {

/// A fast hash for short texts. It depends on the machine's byte order and is not stored in files.
inline uint64_t hash_text(std::string_view text) {
  constexpr uint64_t kOdd = 0x9E3779B97F4A7C15u;
  const auto read = [&](size_t at, auto number) {
    std::memcpy(&number, text.data() + at, sizeof number);
    return static_cast<uint64_t>(number);
  };
  const auto mix = [](uint64_t hash) { return (hash ^ (hash >> 32)) * kOdd; };
  const size_t size = text.size();
  uint64_t hash = size * kOdd;
  if (size >= 8) {
    for (size_t at = 0; at + 8 < size; at += 8) hash = mix(hash ^ read(at, uint64_t{}));
    hash ^= read(size - 8, uint64_t{});  // may overlap the bytes before
  } else if (size >= 4) {
    hash ^= read(0, uint32_t{}) << 32 | read(size - 4, uint32_t{});
  } else if (size > 0) {
    hash ^= read(0, uint8_t{}) << 16 | read(size / 2, uint8_t{}) << 8 | read(size - 1, uint8_t{});
  }
  hash = mix(hash);
  return hash ^ (hash >> 32);
}

class PieceMap {
 public:
  PieceMap() = default;
  /// Reserves space for `pieces` entries of `bytes` bytes in total; more can be added.
  PieceMap(size_t pieces, size_t bytes);

  /// Replaces the id of a piece that is already present.
  void insert(std::string_view piece, int32_t id);
  std::optional<int32_t> find(std::string_view piece) const;
  size_t size() const { return count_; }

 private:
  struct Slot {
    uint64_t begin = 0;
    uint32_t size = 0;
    uint32_t check = 0;  // more bits of the hash
    int32_t id = kFree;
  };
  static constexpr int32_t kFree = -1;
  size_t place_of(std::string_view piece, uint64_t hash) const;
  void grow(size_t slots);

  std::vector<Slot> slots_;
  std::string keys_;
  size_t count_ = 0;
};

}  // namespace zoo
