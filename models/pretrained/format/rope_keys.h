// The keys of config.json about rotary positions, which many families share: rope_parameters, and
// what stood in its place before transformers 5.
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>

#include "models/positions/rotary.h"

namespace zoo {

/// The value of "rope_parameters".
nlohmann::json rope_parameters(const RotaryOptions& rotary);

/// `context`: max_position_embeddings. Throws std::runtime_error naming the key: a rope_type that
/// the zoo does not have, or a number that it needs and that is missing.
RotaryOptions read_rope_parameters(const nlohmann::json& config, int64_t context);

/// What of these options the keys cannot say, for a context of so many tokens: "" or a demand.
std::string_view unlike_rope_parameters(const RotaryOptions& rotary, int64_t context);

}  // namespace zoo
