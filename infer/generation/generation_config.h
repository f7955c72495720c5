// The decoding defaults of a folder: how texts begin and end, and which strategy writes them. As
// `transformers` 5.23 reads it: generation_config.json, or where there is none the same keys in
// config.json, never both. models/pretrained/README.md has the table of keys.
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

/// Nothing for a folder that is not there. Throws std::runtime_error, one line: the file, the key
/// and what it must be.
GenerationConfig read_generation_config(const std::filesystem::path& folder);

/// "generation_config.json" for a run's folder: these ids, the tokens that are never written, and
/// the beams that our own `translate` would search.
void save_generation_config(const SpecialIds& ids, const std::vector<int64_t>& suppressed,
                            int64_t num_beams, const std::filesystem::path& folder);

}  // namespace zoo
