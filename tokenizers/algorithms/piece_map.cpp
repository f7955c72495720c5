#include "tokenizers/algorithms/piece_map.h"

#include <bit>

namespace zoo {

PieceMap::PieceMap(size_t pieces, size_t bytes) {
  keys_.reserve(bytes);
  grow(std::bit_ceil(2 * pieces + 1));
}

/// The slot of the piece, or the free slot for it.
size_t PieceMap::place_of(std::string_view piece, uint64_t hash) const {
  const size_t mask = slots_.size() - 1;
  const auto check = static_cast<uint32_t>(hash >> 32);
  for (size_t at = hash & mask;; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.id == kFree) return at;
    if (slot.check == check && slot.size == piece.size() &&
        piece == std::string_view(keys_).substr(slot.begin, slot.size)) {
      return at;
    }
  }
}

void PieceMap::insert(std::string_view piece, int32_t id) {
  if (2 * (count_ + 1) > slots_.size()) grow(std::bit_ceil(4 * (count_ + 1)));
  const uint64_t hash = hash_text(piece);
  Slot& slot = slots_[place_of(piece, hash)];
  if (slot.id == kFree) {
    slot = {.begin = keys_.size(),
            .size = static_cast<uint32_t>(piece.size()),
            .check = static_cast<uint32_t>(hash >> 32)};
    keys_ += piece;
    ++count_;
  }
  slot.id = id;
}

std::optional<int32_t> PieceMap::find(std::string_view piece) const {
  if (slots_.empty()) return std::nullopt;
  const Slot& slot = slots_[place_of(piece, hash_text(piece))];
  if (slot.id == kFree) return std::nullopt;
  return slot.id;
}

void PieceMap::grow(size_t slots) {
  const std::vector<Slot> old = std::move(slots_);
  slots_.assign(slots, Slot{});
  for (const Slot& slot : old) {
    if (slot.id == kFree) continue;
    const std::string_view piece = std::string_view(keys_).substr(slot.begin, slot.size);
    slots_[place_of(piece, hash_text(piece))] = slot;
  }
}

}  // namespace zoo
