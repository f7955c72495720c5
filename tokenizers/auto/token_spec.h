// A token as the small files write it: a text alone, or an object that says how it is found in
// text.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "tokenizers/added_tokens.h"

namespace zoo {

struct TokenSpec {
  std::string text;
  bool special = false, single_word = false, lstrip = false, rstrip = false;
  std::optional<bool> normalized = std::nullopt;  ///< nothing: where it is not special
  bool plain = false;  ///< a text alone, which becomes a special token without flags

  static TokenSpec of(std::string text) { return {.text = std::move(text), .plain = true}; }
  /// With all flags decided; its id is still to be given.
  AddedToken token() const;
  bool operator==(const TokenSpec&) const = default;
};

/// From a text, or an object with "content". Throws std::runtime_error, which `where` begins.
TokenSpec read_token_spec(const nlohmann::ordered_json& token, std::string_view where);

/// The object that a tokenizer_config.json holds, or the text.
nlohmann::ordered_json token_spec_json(const TokenSpec& token);

}  // namespace zoo
