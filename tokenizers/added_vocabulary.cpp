#include "tokenizers/added_vocabulary.h"

#include <algorithm>
#include <utility>

#include "tokenizers/stages/added_ids.h"

namespace zoo {
AddedVocabulary::AddedVocabulary(const std::vector<AddedToken>& listed, const SubwordModel& model,
                                 const Normalizer* normalizer, bool find_special) {
  for (const AddedToken& token : listed) {
    if (token.special && !token.text.empty()) special_.insert(token.text);
  }
  AddedIds ids([&](std::string_view text) { return model.id_of(text); }, model.piece_count());
  std::unordered_set<int32_t> shown_normalized;  // ids with a normalized entry
  for (const AddedToken& token : listed) {
    ids.add(token);
    if (token.normalized && !token.text.empty()) shown_normalized.insert(*ids.id_of(token.text));
  }
  std::vector<AddedToken> raw, normalized;
  std::unordered_set<std::string> known;
  for (AddedToken& token : ids.tokens()) {
    Entry entry{.token = token, .shown = token.text};
    if (normalizer != nullptr && shown_normalized.contains(token.id)) {
      AlignedText text(token.text, 0, false);
      normalizer->apply(text);
      entry.shown = text.text();
    }
    if (!find_special && special_.contains(token.text)) {
      // it has an id, but is not searched for in a text
    } else if (!token.normalized) {
      raw.push_back(token);
    } else {
      token.text = entry.shown;
      if (!token.text.empty() && known.insert(token.text).second) normalized.push_back(token);
    }
    tokens_.push_back(std::move(entry));
  }
  raw_ = AddedTokens(std::move(raw));
  normalized_ = AddedTokens(std::move(normalized));
}

const AddedVocabulary::Entry* AddedVocabulary::find(int32_t id) const {
  const auto found =
      std::lower_bound(tokens_.begin(), tokens_.end(), id,
                       [](const Entry& entry, int32_t wanted) { return entry.token.id < wanted; });
  return found != tokens_.end() && found->token.id == id ? &*found : nullptr;
}

const std::string* AddedVocabulary::shown(int32_t id) const {
  const Entry* entry = find(id);
  return entry != nullptr ? &entry->shown : nullptr;
}

std::optional<int32_t> AddedVocabulary::id_of(std::string_view text) const {
  for (const Entry& entry : tokens_) {
    if (entry.token.text == text) return entry.token.id;
  }
  return std::nullopt;
}

}  // namespace zoo
