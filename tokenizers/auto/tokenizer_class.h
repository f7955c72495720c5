// Which of its tokenizer classes AutoTokenizer of `transformers` makes of a folder:
// tokenizer_config.json names one, config.json's model_type has one, and the two do not always
// agree.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace zoo {

/// The class that reads a tokenizer.json as it is: PreTrainedTokenizerFast of older versions.
inline constexpr std::string_view kGenericClass = "TokenizersBackend";

struct TokenizerClass {
  std::string name;    ///< of the class itself, not of one of its aliases
  bool named = false;  ///< a file names it; else it is the generic one for want of a name
};

/// config: config.json, tokenizer_config: tokenizer_config.json (empty objects: none). byte_level:
/// whether a tokenizer.json beside them mentions "ByteLevel". Throws std::runtime_error for a
/// folder that needs Python code of its own.
TokenizerClass tokenizer_class_of(const nlohmann::ordered_json& config,
                                  const nlohmann::ordered_json& tokenizer_config, bool byte_level);

}  // namespace zoo
