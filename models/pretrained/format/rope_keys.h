// The keys of config.json about rotary positions, which many families share: rope_parameters, and
// what stood in its place before transformers 5.
#pragma once
#include <cstdint>
#include <string_view>

#include "models/positions/rotary.h"
#include "models/pretrained/format/config_keys.h"

namespace zoo {

/// What a class has where the keys say nothing, and what they were called outside rope_parameters.
struct RopeDefaults {
  double base = 10000.0, share = 1.0;
  std::string_view base_key = "rope_theta", share_key = "partial_rotary_factor";
  bool whole_heads = true;  ///< of its heads all coordinates rotate
};

/// Throws std::runtime_error naming the key: a rope_type that the zoo does not have, a number that
/// it needs and that is missing. `context`: max_position_embeddings.
void rope_keys(const ReadKeys& keys, RotaryOptions& rotary, int64_t context,
               const RopeDefaults& defaults = {});
/// The reverse, in rope_parameters, of what they can express.
void rope_keys(WriteKeys& keys, const RotaryOptions& rotary, int64_t context,
               const RopeDefaults& defaults = {});

}  // namespace zoo
