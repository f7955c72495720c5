// A token in a configuration file: a text alone, or an object with flags for the search in a text.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "tokenizers/stages/added_tokens.h"

namespace zoo {

struct TokenSpec {
  std::string text;
  bool special = false, single_word = false, lstrip = false, rstrip = false;
  std::optional<bool> normalized = std::nullopt;  ///< nullopt: if it is not special
  bool plain = false;  ///< given by its text alone: a special token without flags

  static TokenSpec of(std::string text) { return {.text = std::move(text), .plain = true}; }
  /// With all flags resolved, and without an id.
  AddedToken token() const;
  bool operator==(const TokenSpec&) const = default;
};

/// From a text, or an object with "content". Throws std::runtime_error; `where` begins the message.
TokenSpec read_token_spec(const nlohmann::ordered_json& token, std::string_view where);

/// The token as tokenizer_config.json has it: an object, or the text.
nlohmann::ordered_json token_spec_json(const TokenSpec& token);

}  // namespace zoo
