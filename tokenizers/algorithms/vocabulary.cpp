#include "tokenizers/algorithms/vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace zoo {
namespace {

constexpr size_t kFreeGaps = 1 << 16, kLargestGapPerPiece = 16;

int32_t checked_id(const nlohmann::json& id, std::string_view piece, size_t pieces,
                   std::string_view model) {
  const uint64_t limit = std::min<uint64_t>(kFreeGaps + kLargestGapPerPiece * pieces, INT32_MAX);
  if (!id.is_number_integer() || (!id.is_number_unsigned() && id.get<int64_t>() < 0) ||
      id.get<uint64_t>() >= limit) {
    throw std::runtime_error(fmt::format("{}: the id of piece '{}' must be an integer from 0 to {}",
                                         model, piece, limit - 1));
  }
  return id.get<int32_t>();
}

}  // namespace

Vocabulary::Vocabulary(const nlohmann::json& vocab, std::string_view model) {
  if (!vocab.is_object()) {
    throw std::runtime_error(fmt::format("{}: 'vocab' must be an object of pieces and ids, got {}",
                                         model, vocab.type_name()));
  }
  size_t bytes = 0, size = 0;
  for (const auto& [piece, id] : vocab.items()) {
    bytes += piece.size();
    size = std::max(size, static_cast<size_t>(checked_id(id, piece, vocab.size(), model)) + 1);
  }
  ids_ = PieceMap(vocab.size(), bytes);
  count_ = static_cast<int32_t>(vocab.size());
  pieces_.resize(size);
  std::vector<bool> taken(size);
  for (const auto& [piece, id] : vocab.items()) {
    const auto index = id.get<size_t>();
    if (taken[index]) {
      throw std::runtime_error(fmt::format("{}: pieces '{}' and '{}' have one id, {}", model,
                                           pieces_[index], piece, index));
    }
    taken[index] = true;
    pieces_[index] = piece;
    ids_.insert(piece, static_cast<int32_t>(index));
  }
}

const std::string& Vocabulary::piece_of(int32_t id) const {
  if (id < 0 || id >= size()) {
    throw std::out_of_range(
        fmt::format("id {} is outside the vocabulary (0 to {})", id, size() - 1));
  }
  return pieces_[static_cast<size_t>(id)];
}

}  // namespace zoo
