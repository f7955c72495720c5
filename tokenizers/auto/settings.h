// The small files beside a vocabulary: what tokenizer_config.json, special_tokens_map.json and
// added_tokens.json say together, as `transformers` puts them into one (its _from_pretrained).
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
  /// What the files say of each role; nothing inside: they say null.
  std::map<std::string, std::optional<TokenSpec>, std::less<>> roles;
  /// Tokens that a model names itself: other keys that end in "_token", and named extra ones.
  std::vector<std::pair<std::string, TokenSpec>> named;
  std::optional<Tokens> extra;         ///< extra_special_tokens; empty where it is null
  std::optional<Tokens> additional;    ///< additional_special_tokens, where it is not the other
  std::map<int64_t, TokenSpec> added;  ///< by the id that a file gives, which counts as order alone
  nlohmann::ordered_json values = nlohmann::ordered_json::object();  ///< all other keys

  /// A key of `values`. Throws std::runtime_error for one that is neither true nor false.
  bool flag(std::string_view key, bool otherwise) const;
};

/// The files' texts; empty where there is none.
struct SmallFiles {
  std::string tokenizer_config = {}, special_tokens_map = {}, added_tokens = {};
};

/// Throws std::runtime_error, which begins with the file's name, for a damaged file or a key that
/// would change results and is not honoured. tokenizer_json: the whole one beside them; null: none.
TokenizerSettings read_settings(const SmallFiles& files, const nlohmann::json& tokenizer_json);

/// The three as one tokenizer_config.json.
std::string merged_config(const SmallFiles& files);

/// A JSON object, or an empty one for an empty text.
nlohmann::ordered_json parse_small_file(std::string_view text, std::string_view name);

}  // namespace zoo
