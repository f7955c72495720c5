#include "tokenizers/auto/folder_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>

namespace zoo {
namespace {

/// All tokens with a name: the seven roles, then those with other names.
TokenizerSettings::Tokens named_tokens(const TokenizerSettings& settings) {
  TokenizerSettings::Tokens tokens;
  for (const std::string_view role : kTokenRoles) {
    const auto found = settings.roles.find(role);
    if (found != settings.roles.end() && found->second) tokens.push_back(*found->second);
  }
  for (const auto& [name, token] : settings.named) tokens.push_back(token);
  return tokens;
}

}  // namespace

ModelIds::ModelIds(const nlohmann::json& vocab) : vocab_(vocab) {
  if (!vocab.is_array()) return;
  for (size_t id = 0; id < vocab.size(); ++id) {
    if (!vocab[id].is_array() || vocab[id].empty() || !vocab[id][0].is_string()) {
      throw std::runtime_error("'vocab' must list pieces with their scores");
    }
    listed_[vocab[id][0].get_ref<const std::string&>()] = static_cast<int32_t>(id);
  }
}

std::optional<int32_t> ModelIds::operator()(std::string_view text) const {
  if (vocab_.is_array()) {
    const auto found = listed_.find(text);
    return found == listed_.end() ? std::nullopt : std::optional(found->second);
  }
  const auto found = vocab_.find(text);
  if (found == vocab_.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<int32_t>();
}

AddedIds ModelIds::added() const { return {std::ref(*this), static_cast<int32_t>(vocab_.size())}; }

std::string role_text(const TokenizerSettings& settings, std::string_view role) {
  const auto found = settings.roles.find(role);
  return found != settings.roles.end() && found->second ? found->second->text : std::string();
}

void add_tokens(const TokenizerSettings& settings, AddedIds& added) {
  TokenizerSettings::Tokens tokens;
  std::set<std::string> texts;
  for (const auto& [id, token] : settings.added) {
    tokens.push_back(token);
    texts.insert(token.text);
  }
  const auto add_new = [&](const TokenSpec& token) {
    const bool known = texts.contains(token.text) || added.has(token.text);
    if (known || std::find(tokens.begin(), tokens.end(), token) != tokens.end()) return;
    tokens.push_back(token);
  };
  const TokenizerSettings::Tokens named = named_tokens(settings);
  for (const TokenSpec& token : named) add_new(token);
  const auto& extra = settings.extra ? settings.extra : settings.additional;
  if (extra) {
    for (const TokenSpec& token : *extra) add_new(token);
  }
  for (TokenSpec& token : tokens) {
    const auto same = [&](const TokenSpec& other) { return other.text == token.text; };
    token.special = token.special || std::any_of(named.begin(), named.end(), same);
    added.add(token.token());
  }
}

void add_again(const TokenizerSettings& settings, ClassParts::ReAdd how, AddedIds& added) {
  if (how == ClassParts::ReAdd::kNo) return;
  TokenizerSettings::Tokens all = named_tokens(settings);
  const auto& extra = settings.extra ? settings.extra : settings.additional;
  if (extra) all.insert(all.end(), extra->begin(), extra->end());
  for (TokenSpec& token : all) {
    if (how == ClassParts::ReAdd::kByText) token = TokenSpec::of(token.text);
    token.special = true;
    added.add(token.token());
  }
}

TokenIds token_ids(const TokenizerSettings& settings, const AddedIds& added) {
  return [&](const std::string& token) {
    if (const auto id = added.id_of(token)) return *id;
    if (const auto id = added.id_of(role_text(settings, "unk_token"))) return *id;
    throw std::runtime_error(fmt::format("the token '{}' has no id", token));
  };
}

}  // namespace zoo
