// The reference's own keys in config.json, family by family, and our options.
#pragma once
#include <nlohmann/json_fwd.hpp>

#include "models/pretrained/gpt/gpt_config.h"

namespace zoo {

/// The keys that carry the options which the layout can express; nothing else.
nlohmann::json reference_keys(const GptConfig& config);
/// The reverse, with the reference's defaults for keys that are missing. Throws std::runtime_error
/// for features that the zoo lacks.
GptOptions options_from_reference_keys(const nlohmann::json& config, GptLayout layout);

}  // namespace zoo
