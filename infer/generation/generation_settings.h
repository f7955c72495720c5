// Values of generation_config.json as fields of our options.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <vector>

#include "infer/decode/options.h"

namespace zoo {

/// Sets every field that is in the settings but not in `given` (options of the command line);
/// returns the keys that were used. Throws std::runtime_error naming the key.
std::vector<std::string> take_settings(const nlohmann::json& settings,
                                       const std::set<std::string>& given, DecodeOptions& options);

/// The strings of a key that holds one or several: "stop_strings".
std::vector<std::string> strings_of(const nlohmann::json& settings, const std::string& key);

}  // namespace zoo
