// The tokenizer class that AutoTokenizer of `transformers` uses for a folder. tokenizer_config.json
// names one, config.json's model_type implies one, and the two do not always agree.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace zoo {

/// The class that uses a tokenizer.json unchanged: PreTrainedTokenizerFast of older versions.
inline constexpr std::string_view kGenericClass = "TokenizersBackend";

struct TokenizerClass {
  std::string name;    ///< the canonical name, not an alias
  bool named = false;  ///< whether a file names it; if not, it is the generic class
};

/// config: config.json, tokenizer_config: tokenizer_config.json (empty objects: none). byte_level:
/// whether a tokenizer.json beside them mentions "ByteLevel". Throws std::runtime_error for a
/// folder that needs Python code of its own.
TokenizerClass tokenizer_class_of(const nlohmann::ordered_json& config,
                                  const nlohmann::ordered_json& tokenizer_config, bool byte_level);

}  // namespace zoo
