// The keys of generation_config.json, and how each is treated.
#pragma once
#include <string_view>

namespace zoo {

enum class KeyUse {
  kTaken,    ///< decoding follows it
  kIgnored,  ///< changes no text: speed, memory, what is returned besides
  kRefused   ///< changes texts in a way that we do not have
};

struct GenerationKey {
  std::string_view name;
  KeyUse use;
  std::string_view why = {};  ///< of one that is refused: what to do instead
};

/// Null for a key that the reference does not know either; it ignores such keys.
const GenerationKey* find_generation_key(std::string_view name);

}  // namespace zoo
