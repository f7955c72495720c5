// The pieces of a model, indexed by id and by text.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/algorithms/piece_map.h"

namespace zoo {

class Vocabulary {
 public:
  /// From {"piece": id, ...}. Throws std::runtime_error, starting with `model`, for ids that are
  /// not integers, negative, repeated, or so large that most ids would have no piece.
  Vocabulary(const nlohmann::json& vocab, std::string_view model);

  /// One past the largest id.
  int32_t size() const { return static_cast<int32_t>(pieces_.size()); }
  int32_t piece_count() const { return count_; }
  /// Empty for an id without a piece. Throws std::out_of_range.
  const std::string& piece_of(int32_t id) const;
  std::optional<int32_t> id_of(std::string_view piece) const { return ids_.find(piece); }
  const std::vector<std::string>& pieces() const { return pieces_; }

 private:
  std::vector<std::string> pieces_;
  PieceMap ids_;
  int32_t count_ = 0;
};

}  // namespace zoo
