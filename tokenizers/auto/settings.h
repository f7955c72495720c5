// The configuration files beside a vocabulary: tokenizer_config.json, special_tokens_map.json and
// added_tokens.json, merged as `transformers` does (its _from_pretrained).
#pragma once
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizers/auto/token_spec.h"

namespace zoo {

/// The seven roles, in the order in which their tokens get ids.
inline constexpr std::string_view kTokenRoles[] = {
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"};

struct TokenizerSettings {
  using Tokens = std::vector<TokenSpec>;
  /// The roles in the files; nullopt: null in the file.
  std::map<std::string, std::optional<TokenSpec>, std::less<>> roles;
  /// Tokens with other names: further keys that end in "_token", and named extra tokens.
  std::vector<std::pair<std::string, TokenSpec>> named;
  std::optional<Tokens> extra;         ///< extra_special_tokens; empty if it is null
  std::optional<Tokens> additional;    ///< additional_special_tokens, if it is not in `extra`
  std::map<int64_t, TokenSpec> added;  ///< by the id in the file, which determines only the order
  nlohmann::ordered_json values = nlohmann::ordered_json::object();  ///< all other keys

  /// A key of `values`. Throws std::runtime_error for a value that is neither true nor false.
  bool flag(std::string_view key, bool fallback) const;
};

/// The texts of the files; empty: no such file.
struct ConfigTexts {
  std::string tokenizer_config = {}, special_tokens_map = {}, added_tokens = {};
};

/// Throws std::runtime_error, which begins with the file's name, for a damaged file, or a key that
/// would change results and is not supported. tokenizer_json: the one beside them; null: none.
TokenizerSettings read_settings(const ConfigTexts& files, const nlohmann::json& tokenizer_json);

/// The three files as one tokenizer_config.json.
std::string merged_config(const ConfigTexts& files);

/// A JSON object, or an empty one for an empty text.
nlohmann::ordered_json parse_config(std::string_view text, std::string_view name);

}  // namespace zoo
