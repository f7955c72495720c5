// The decoding defaults of a folder: how texts begin and end, and the strategy. As in
// `transformers` 5.23, they come from generation_config.json or, without it, from the same keys in
// config.json, never from both. models/pretrained/README.md has the table of keys.
#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "models/pretrained/format/special_ids.h"

namespace zoo {

struct GenerationConfig {
  std::filesystem::path file = {};  ///< the one that was read; empty: the folder has neither
  SpecialIds ids = {};
  nlohmann::json settings =
      nlohmann::json::object();           ///< the keys that are taken, none of them null
  std::vector<std::string> unread = {};   ///< unknown keys of generation_config.json
  std::vector<std::string> refused = {};  ///< one message for each key that we do not support
  std::string prefix = {};  ///< what the reference's pipeline puts before a prompt (config.json)
};

/// Empty if the folder does not exist. Throws std::runtime_error, one line: the file, the key and
/// its allowed values.
GenerationConfig read_generation_config(const std::filesystem::path& folder);

/// Writes generation_config.json for a run's folder: the ids, the tokens that are never generated,
/// and the beams that our own `translate` uses.
void save_generation_config(const SpecialIds& ids, const std::vector<int64_t>& suppressed,
                            int64_t num_beams, const std::filesystem::path& folder);

}  // namespace zoo
