#include "tokenizers/auto/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <stdexcept>

#include "tokenizers/stages/json_fields.h"

namespace zoo {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr const char* kConfig = "tokenizer_config.json";
constexpr const char* kMap = "special_tokens_map.json";
constexpr const char* kAdded = "added_tokens.json";

bool is_role(std::string_view key) {
  return std::find(std::begin(kTokenRoles), std::end(kTokenRoles), key) != std::end(kTokenRoles);
}

/// Keys whose values would replace the contents of the files.
constexpr std::string_view kRefused[] = {"vocab",
                                         "merges",
                                         "tokenizer_object",
                                         "post_processor",
                                         "gguf_file",
                                         "tokenizer_padding",
                                         "tokenizer_truncation",
                                         "model_specific_special_tokens",
                                         "_json_padding",
                                         "_json_truncation",
                                         "_spm_precompiled_charsmap"};

void check_keys(const ordered_json& config, bool has_json) {
  const auto refuse = [](std::string_view key, std::string_view why) {
    throw std::runtime_error(fmt::format("{}: {} is not supported: {}", kConfig, key, why));
  };
  for (const std::string_view key : kRefused) {
    if (has_json && (key == "vocab" || key == "merges"))
      continue;  // the tokenizer.json's own are used
    if (config.contains(key) && !config[std::string(key)].is_null()) {
      refuse(key, "it would replace the contents of the tokenizer's files; remove it");
    }
  }
  const ordered_json inputs = config.value("init_inputs", ordered_json());
  if (!inputs.empty()) refuse("init_inputs", "inputs without names; write them as keys");
  const ordered_json files = config.value("fast_tokenizer_files", ordered_json::array());
  for (const ordered_json& file : files) {
    if (file.is_string() && file != "tokenizer.json") {
      refuse("fast_tokenizer_files", "only tokenizer.json is read; remove the other names");
    }
  }
  for (const char* key : {"padding_side", "truncation_side"}) {
    const ordered_json side = config.value(key, ordered_json("right"));
    if (side != "right" && side != "left") refuse(key, "expected \"left\" or \"right\"");
  }
}

/// With this key the reference splits the words of a large vocabulary as Mistral's own package
/// does.
void check_mistral(const TokenizerSettings& settings, const json& tokenizer_json) {
  constexpr size_t kSmall = 100000;
  if (!tokenizer_json.is_object() || !settings.flag("fix_mistral_regex", false)) return;
  if (tokenizer_json.at("model").value("vocab", json()).size() <= kSmall) return;
  throw std::runtime_error(fmt::format(
      "{}: fix_mistral_regex is not supported; save the tokenizer.json with it, then remove it",
      kConfig));
}

TokenizerSettings::Tokens read_list(const ordered_json& list, const std::string& where) {
  TokenizerSettings::Tokens tokens;
  if (list.is_null()) return tokens;
  if (!list.is_array()) {
    throw std::runtime_error(
        fmt::format("{}: expected a list of tokens, got {}", where, list.type_name()));
  }
  for (const ordered_json& token : list) tokens.push_back(read_token_spec(token, where));
  return tokens;
}

std::string in(const char* file, std::string_view key) { return fmt::format("{}: {}", file, key); }

std::optional<TokenSpec> read_role(const ordered_json& value, const std::string& where) {
  if (value.is_null()) return std::nullopt;
  return read_token_spec(value, where);
}

/// {"_token_name": token, ...}
void read_named(const ordered_json& names, const std::string& where, TokenizerSettings& settings) {
  for (const auto& [name, token] : names.items()) {
    settings.named.emplace_back(name, read_token_spec(token, where));
  }
}

int64_t read_id(const std::string& text, const std::string& where) {
  int64_t id = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, id);
  if (error != std::errc{} || stop != end || id < 0) {
    throw std::runtime_error(fmt::format("{}: expected ids as keys, got '{}'", where, text));
  }
  return id;
}

void read_config(const ordered_json& config, bool has_json, TokenizerSettings& settings) {
  check_keys(config, has_json);
  for (const auto& [key, value] : config.items()) {
    // A tokenizer.json has its own template.
    if (has_json && (key == "add_bos_token" || key == "add_eos_token")) continue;
    if (key == "tokenizer_class" || key == "added_tokens_decoder") continue;
    const std::string where = in(kConfig, key);
    const bool token = value.is_string() || (value.is_object() && value.contains("content"));
    if (is_role(key)) {
      settings.roles[key] = read_role(value, where);
    } else if (key == "extra_special_tokens" || key == "additional_special_tokens") {
      continue;
    } else if (key.ends_with("_token") && token) {
      settings.named.emplace_back(key, read_token_spec(value, where));
    } else {
      settings.values[key] = value;
    }
  }
  const auto more = config.find("additional_special_tokens"),
             extra = config.find("extra_special_tokens");
  const bool has_extra = extra != config.end() && !extra->empty();
  if (has_extra && extra->is_object()) {
    read_named(*extra, in(kConfig, "extra_special_tokens"), settings);
  } else if (has_extra) {
    settings.extra = read_list(*extra, in(kConfig, "extra_special_tokens"));
  } else if (more != config.end()) {
    settings.extra = read_list(*more, in(kConfig, "additional_special_tokens"));
  } else if (extra != config.end()) {
    settings.extra.emplace();
  }
  if (has_extra && more != config.end()) {
    settings.additional = read_list(*more, in(kConfig, "additional_special_tokens"));
  }
}

/// Its tokens are special, and take precedence over those of tokenizer_config.json.
void read_map(const ordered_json& map, TokenizerSettings& settings) {
  const auto made_special = [](TokenSpec token) {
    if (!token.plain) token.special = true;
    return token;
  };
  for (const auto& [key, value] : map.items()) {
    const std::string where = in(kMap, key);
    if (is_role(key)) {
      settings.roles[key] = read_role(value, where);
      if (settings.roles[key]) settings.roles[key] = made_special(*settings.roles[key]);
    } else if (key == "extra_special_tokens" && value.is_object()) {
      read_named(value, where, settings);
      settings.extra.reset();
    } else if (key == "extra_special_tokens" && value.is_array()) {
      auto& extra = settings.extra ? *settings.extra : settings.extra.emplace();
      for (TokenSpec& token : read_list(value, where)) {
        token = made_special(std::move(token));
        if (std::find(extra.begin(), extra.end(), token) == extra.end()) extra.push_back(token);
      }
    } else if (key == "additional_special_tokens") {
      settings.additional = read_list(value, where);
      for (TokenSpec& token : *settings.additional) token = made_special(std::move(token));
    } else if (key.ends_with("_token") && (value.is_string() || value.is_object())) {
      const TokenSpec token = made_special(read_token_spec(value, where));
      std::erase_if(settings.named, [&, k = key](const auto& known) { return known.first == k; });
      settings.named.emplace_back(key, token);
    } else {
      settings.values[key] = value;
    }
  }
}

/// {"text": id}: special where a role or extra_special_tokens names the text.
void read_added(const ordered_json& added, TokenizerSettings& settings) {
  std::set<std::string> special;
  for (const auto& [role, token] : settings.roles) {
    if (token) special.insert(token->text);
  }
  if (settings.extra) {
    for (const TokenSpec& token : *settings.extra) special.insert(token.text);
  }
  for (const auto& [text, id] : added.items()) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0) {
      throw std::runtime_error(
          fmt::format("{}: the id of '{}' must be a number from 0 on", kAdded, text));
    }
    const bool is_special = special.contains(text);
    settings.added[id.get<int64_t>()] = {
        .text = text, .special = is_special, .normalized = !is_special};
  }
}

}  // namespace

bool TokenizerSettings::flag(std::string_view key, bool fallback) const {
  const auto found = values.find(key);
  if (found == values.end()) return fallback;
  if (!found->is_boolean()) {
    throw std::runtime_error(
        fmt::format("{}: {} must be true or false, got {}", kConfig, key, found->dump()));
  }
  return found->get<bool>();
}

ordered_json parse_config(std::string_view text, std::string_view name) {
  if (text.empty()) return ordered_json::object();
  if (fields::parse(text).is_object()) return ordered_json::parse(text);
  throw std::runtime_error(fmt::format("{}: expected a JSON object; is the file whole?", name));
}

std::string merged_config(const ConfigTexts& files) {
  if (files.special_tokens_map.empty() && files.added_tokens.empty()) return files.tokenizer_config;
  const TokenizerSettings settings = read_settings(files, nullptr);
  ordered_json config = settings.values;
  for (const auto& [role, token] : settings.roles) {
    config[role] = token ? token_spec_json(*token) : ordered_json();
  }
  for (const auto& [name, token] : settings.named) config[name] = token_spec_json(token);
  const auto& extra = settings.extra ? settings.extra : settings.additional;
  if (extra) {
    ordered_json& list = config["extra_special_tokens"] = ordered_json::array();
    for (const TokenSpec& token : *extra) list.push_back(token_spec_json(token));
  }
  for (const auto& [id, token] : settings.added) {
    config["added_tokens_decoder"][std::to_string(id)] = token_spec_json(token);
  }
  return config.dump(2) + "\n";
}

TokenizerSettings read_settings(const ConfigTexts& files, const json& tokenizer_json) {
  TokenizerSettings settings;
  const ordered_json config = parse_config(files.tokenizer_config, kConfig);
  read_config(config, tokenizer_json.is_object(), settings);
  check_mistral(settings, tokenizer_json);
  if (const auto decoder = config.find("added_tokens_decoder"); decoder != config.end()) {
    const std::string where = in(kConfig, "added_tokens_decoder");
    if (!decoder->is_object()) throw std::runtime_error(where + ": expected a JSON object");
    for (const auto& [id, token] : decoder->items()) {
      if (!token.is_object()) throw std::runtime_error(where + ": expected tokens as objects");
      settings.added[read_id(id, where)] = read_token_spec(token, where);
    }
  } else {
    read_map(parse_config(files.special_tokens_map, kMap), settings);
    read_added(parse_config(files.added_tokens, kAdded), settings);
    const auto listed =
        tokenizer_json.is_object() ? tokenizer_json.find("added_tokens") : tokenizer_json.end();
    if (listed != tokenizer_json.end() && listed->is_array()) {
      for (const json& token : *listed) {
        settings.added[token.at("id").get<int64_t>()] =
            read_token_spec(ordered_json(token), "added_tokens");
      }
    }
  }
  // The flags in the list of added tokens take precedence over those of a role.
  for (auto& [role, token] : settings.roles) {
    if (!token) continue;
    for (const auto& [id, added] : settings.added) {
      if (added.text == token->text) token = added;
    }
  }
  return settings;
}

}  // namespace zoo
