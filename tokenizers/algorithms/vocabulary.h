// The pieces of a model, found by id and by name.
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
  /// From {"piece": id, ...}. Throws std::runtime_error, which `model` begins, for ids that are no
  /// integers, negative, given twice, or so large that most would be without a piece.
  Vocabulary(const nlohmann::json& vocab, std::string_view model);

  /// One past the largest id.
  int32_t size() const { return static_cast<int32_t>(pieces_.size()); }
  int32_t piece_count() const { return count_; }
  /// Empty for an id that is left out. Throws std::out_of_range.
  const std::string& piece_of(int32_t id) const;
  std::optional<int32_t> id_of(std::string_view piece) const { return ids_.find(piece); }
  const std::vector<std::string>& pieces() const { return pieces_; }

 private:
  std::vector<std::string> pieces_;
  PieceMap ids_;
  int32_t count_ = 0;
};

}  // namespace zoo
