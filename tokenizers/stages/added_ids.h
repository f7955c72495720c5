// The ids of added tokens, by the rule of the `tokenizers` package.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/stages/added_tokens.h"

namespace zoo {

/// A token in the model's vocabulary keeps its id there. Others are numbered from the vocabulary's
/// size in the order of calls. The ids that a file gives them are ignored.
class AddedIds {
 public:
  using Find = std::function<std::optional<int32_t>(std::string_view)>;
  /// in_model: ids of the model's vocabulary, which has `size` pieces.
  AddedIds(Find in_model, int32_t size) : in_model_(std::move(in_model)), next_(size) {}

  /// If two tokens have the same id, the last one counts, but a text that was once special stays
  /// special. Ignores an empty text.
  void add(AddedToken token);
  /// Of an added token, or of a piece of the model.
  std::optional<int32_t> id_of(std::string_view text) const;
  bool has(std::string_view text) const { return ids_.find(text) != ids_.end(); }
  /// In the order of ids.
  std::vector<AddedToken> tokens() const;

 private:
  Find in_model_;
  int32_t next_;
  std::map<std::string, int32_t, std::less<>> ids_;
  std::map<int32_t, AddedToken> by_id_;
  std::set<std::string> special_;
};

}  // namespace zoo
