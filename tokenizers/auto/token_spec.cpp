#include "tokenizers/auto/token_spec.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace zoo {

using nlohmann::ordered_json;

AddedToken TokenSpec::token() const {
  const bool is_special = special || plain;
  return {.text = text,
          .special = is_special,
          .single_word = single_word,
          .lstrip = lstrip,
          .rstrip = rstrip,
          .normalized = normalized.value_or(!is_special)};
}

TokenSpec read_token_spec(const ordered_json& token, std::string_view where) {
  if (token.is_string()) return TokenSpec::of(token.get<std::string>());
  const auto content = token.is_object() ? token.find("content") : token.end();
  if (!token.is_object() || content == token.end() || !content->is_string()) {
    throw std::runtime_error(
        fmt::format("{}: expected a token's text, or an object with its \"content\", got {}", where,
                    token.is_object() ? "an object without" : token.type_name()));
  }
  const auto flag = [&](const char* name) -> std::optional<bool> {
    const auto found = token.find(name);
    if (found == token.end() || found->is_null()) return std::nullopt;
    if (!found->is_boolean()) {
      throw std::runtime_error(fmt::format("{}: {} of '{}' must be true or false", where, name,
                                           content->get<std::string>()));
    }
    return found->get<bool>();
  };
  return {.text = content->get<std::string>(),
          .special = flag("special").value_or(false),
          .single_word = flag("single_word").value_or(false),
          .lstrip = flag("lstrip").value_or(false),
          .rstrip = flag("rstrip").value_or(false),
          .normalized = flag("normalized")};
}

ordered_json token_spec_json(const TokenSpec& token) {
  if (token.plain) return token.text;
  const AddedToken made = token.token();
  return {{"__type", "AddedToken"}, {"content", made.text},  {"single_word", made.single_word},
          {"lstrip", made.lstrip},  {"rstrip", made.rstrip}, {"normalized", made.normalized},
          {"special", made.special}};
}

}  // namespace zoo
