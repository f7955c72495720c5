#include "tokenizers/added_vocabulary.h"

#include <algorithm>
#include <map>
#include <utility>

namespace zoo {
namespace {

/// normalized: the ids of which an entry is.
std::map<int32_t, AddedToken> number(const std::vector<AddedToken>& listed,
                                     const SubwordModel& model,
                                     std::unordered_set<int32_t>& normalized) {
  std::map<int32_t, AddedToken> numbered;
  std::map<std::string_view, int32_t> ids;
  int32_t next = model.piece_count();
  for (const AddedToken& token : listed) {
    if (token.text.empty()) continue;
    auto known = ids.find(token.text);
    if (known == ids.end()) {
      const auto id = model.id_of(token.text);
      known = ids.emplace(token.text, id ? *id : next++).first;
    }
    AddedToken& entry = numbered[known->second];
    if (token.normalized) normalized.insert(known->second);
    entry = token;
    entry.id = known->second;
  }
  return numbered;
}

}  // namespace

AddedVocabulary::AddedVocabulary(const std::vector<AddedToken>& listed, const SubwordModel& model,
                                 const Normalizer* normalizer, bool find_special) {
  for (const AddedToken& token : listed) {
    if (token.special && !token.text.empty()) special_.insert(token.text);
  }
  std::vector<AddedToken> raw, normalized;
  std::unordered_set<int32_t> shown_normalized;
  std::unordered_set<std::string> known;
  for (auto& [id, token] : number(listed, model, shown_normalized)) {
    Entry entry{.token = token, .shown = token.text};
    if (normalizer != nullptr && shown_normalized.contains(id)) {
      AlignedText text(token.text, 0, false);
      normalizer->apply(text);
      entry.shown = text.text();
    }
    if (!find_special && special_.contains(token.text)) {
      // has an id, and no more
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
