#include "tokenizers/stages/added_ids.h"

namespace zoo {

void AddedIds::add(AddedToken token) {
  if (token.text.empty()) return;
  if (token.special) special_.insert(token.text);
  if (const auto known = id_of(token.text)) {
    token.id = *known;
  } else {
    token.id = next_++;
  }
  ids_[token.text] = token.id;
  by_id_[token.id] = std::move(token);
}

std::optional<int32_t> AddedIds::id_of(std::string_view text) const {
  const auto found = ids_.find(text);
  return found == ids_.end() ? in_model_(text) : std::optional(found->second);
}

std::vector<AddedToken> AddedIds::tokens() const {
  std::vector<AddedToken> all;
  for (const auto& [id, token] : by_id_) {
    all.push_back(token);
    all.back().special = special_.contains(token.text);
  }
  return all;
}

}  // namespace zoo
