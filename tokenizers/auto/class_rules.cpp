#include "tokenizers/auto/class_rules.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <stdexcept>

namespace zoo {

using nlohmann::json;

std::optional<std::string> ClassInput::optional_token(std::string_view role, const char* fallback) {
  auto found = settings.roles.find(role);
  if (found == settings.roles.end()) {
    const auto token = fallback == nullptr ? std::nullopt : std::optional(TokenSpec::of(fallback));
    found = settings.roles.emplace(role, token).first;
  }
  if (!found->second) return std::nullopt;
  return found->second->text;
}

std::string ClassInput::token(std::string_view role, const char* fallback) {
  if (auto text = optional_token(role, fallback)) return *std::move(text);
  throw std::runtime_error(fmt::format(
      "tokenizer_config.json: {} is null, but the class needs one; omit it for the default '{}'",
      role, fallback));
}

void ClassInput::default_tokens(
    std::initializer_list<std::pair<std::string_view, const char*>> roles_and_fallbacks) {
  for (const auto& [role, fallback] : roles_and_fallbacks) optional_token(role, fallback);
}

std::string ClassInput::token_in_files(std::string_view role, const char* fallback) const {
  const auto found = settings.roles.find(role);
  if (found == settings.roles.end()) return fallback;
  return found->second ? found->second->text : "None";
}

void ClassInput::strip_left_of(std::string_view role) {
  const auto found = settings.roles.find(role);
  if (found == settings.roles.end() || !found->second || !found->second->plain) return;
  found->second->plain = false;
  found->second->lstrip = true;
}

int64_t ClassInput::number(std::string_view key, int64_t fallback) const {
  const auto found = settings.values.find(key);
  if (found == settings.values.end()) return fallback;
  constexpr int64_t kMax = 1 << 20;
  if (found->is_number_integer() && found->get<int64_t>() >= 0 && found->get<int64_t>() <= kMax) {
    return found->get<int64_t>();
  }
  throw std::runtime_error(fmt::format(
      "tokenizer_config.json: {} must be a number from 0 to {}, got {}", key, kMax, found->dump()));
}

const ClassRules& require_rules_of_class(std::string_view name) {
  std::vector<std::string_view> known;
  for (const auto classes : {byte_level_classes(), wordpiece_classes(), unigram_classes(),
                             t5_classes(), sentencepiece_bpe_classes(), translation_classes()}) {
    for (const ClassRules& rules : classes) {
      if (rules.name == name) return rules;
      known.push_back(rules.name);
    }
  }
  std::sort(known.begin(), known.end());
  throw std::runtime_error(fmt::format(
      "the tokenizer class {} is not supported; known are {} and PreTrainedTokenizerFast, which "
      "takes a tokenizer.json as it is",
      name, fmt::join(known, ", ")));
}

json template_json(const std::vector<Slot>& single, const std::vector<Slot>& pair,
                   const TokenIds& id_of) {
  json names = json::object();
  const auto list = [&](const std::vector<Slot>& slots) {
    json parts = json::array();
    for (const Slot& slot : slots) {
      if (slot.token == "$A" || slot.token == "$B") {
        parts.push_back({{"Sequence", {{"id", slot.token.substr(1)}, {"type_id", slot.segment}}}});
        continue;
      }
      parts.push_back({{"SpecialToken", {{"id", slot.token}, {"type_id", slot.segment}}}});
      names[slot.token] = {{"id", slot.token},
                           {"ids", json::array({id_of(slot.token)})},
                           {"tokens", json::array({slot.token})}};
    }
    return parts;
  };
  json both = list(pair);
  return {{"type", "TemplateProcessing"},
          {"single", list(single)},
          {"pair", std::move(both)},
          {"special_tokens", std::move(names)}};
}

json bpe_json(SourceVocabulary& source) {
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", nullptr},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", false},
          {"byte_fallback", false},
          {"ignore_merges", false},
          {"vocab", std::move(source.vocab)},
          {"merges", source.merges.is_null() ? json::array() : std::move(source.merges)}};
}

json sequence_json(const char* key, json::array_t steps) {
  return {{"type", "Sequence"}, {key, std::move(steps)}};
}

}  // namespace zoo
