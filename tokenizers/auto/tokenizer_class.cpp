#include "tokenizers/auto/tokenizer_class.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace zoo {
namespace {

using nlohmann::ordered_json;

struct NamePair {
  std::string_view first, second;
};

#include "tokenizers/auto/tokenizer_classes_data.inc"

std::string_view find(std::string_view name, const NamePair* begin, const NamePair* end) {
  const auto found = std::find_if(begin, end, [&](const NamePair& p) { return p.first == name; });
  return found == end ? std::string_view() : found->second;
}

std::string_view registered_for(std::string_view model_type) {
  return find(model_type, std::begin(kClassOfModelType), std::end(kClassOfModelType));
}

std::string_view without_fast(std::string_view name) {
  if (name.ends_with("Fast")) name.remove_suffix(4);
  return name;
}

/// Empty for a name that `transformers` does not have.
std::string_view class_by_name(std::string_view name) {
  const auto target = find(name, std::begin(kStandsFor), std::end(kStandsFor));
  if (!target.empty() || !name.ends_with("Fast")) return target;
  return class_by_name(without_fast(name));
}

bool generic(std::string_view name) {
  return name.empty() || name == kGenericClass || name == "PythonBackend" ||
         name == "PreTrainedTokenizerFast";
}

std::string text(const ordered_json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool has_own_code(const ordered_json& tokenizer_config) {
  const auto map = tokenizer_config.find("auto_map");
  if (map == tokenizer_config.end()) return false;
  return map->is_array() || (map->is_object() && map->contains("AutoTokenizer"));
}

std::string model_type_of(const ordered_json& config) {
  const auto encoder = config.find("encoder");
  if (text(config, "model_type") == "encoder-decoder" && encoder != config.end() &&
      encoder->is_object()) {
    return text(*encoder, "model_type");
  }
  return text(config, "model_type");
}

}  // namespace

TokenizerClass tokenizer_class_of(const ordered_json& config, const ordered_json& tokenizer_config,
                                  bool byte_level) {
  const std::string model_type = model_type_of(config);
  const std::string_view registered = registered_for(model_type);
  const std::string asked = text(tokenizer_config, "tokenizer_class");
  const std::string named = asked.empty() ? text(config, "tokenizer_class") : asked;
  const bool own_code = has_own_code(tokenizer_config);
  // A folder that the zoo wrote names the class of what is in it.
  const bool wrong =
      !config.contains("zoo") && std::find(std::begin(kNamesWrongClass), std::end(kNamesWrongClass),
                                           model_type) != std::end(kNamesWrongClass);
  const TokenizerClass plain = {.name = std::string(kGenericClass), .named = !named.empty()};
  const auto result = [&](std::string_view name) {
    return generic(name) ? plain : TokenizerClass{.name = std::string(name), .named = true};
  };

  // Llama 3's folders name Llama 2's class.
  if (!own_code && without_fast(named) == "LlamaTokenizer" && !wrong && byte_level) return plain;
  if (!own_code && !named.empty() && !registered.empty() &&
      without_fast(registered) != without_fast(named)) {
    if (generic(without_fast(registered))) return plain;
    return result(class_by_name(wrong ? registered : named));
  }
  if (own_code && registered.empty() && class_by_name(without_fast(asked)).empty()) {
    throw std::runtime_error(
        "tokenizer_config.json: auto_map requires the folder's own Python code, which the zoo "
        "does not run; save the tokenizer as tokenizer.json with tokenizer_class "
        "PreTrainedTokenizerFast");
  }
  if (!named.empty()) return result(class_by_name(without_fast(named)));
  if (!registered.empty()) return result(class_by_name(registered));
  return plain;
}

}  // namespace zoo
