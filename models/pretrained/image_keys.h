// Keys of config.json that all models of images share: sizes that are one number or two.
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>

namespace zoo {

/// "image_size", "patch_size": a number, or a list of height and width.
std::pair<int64_t, int64_t> config_sides(const nlohmann::json& config, const std::string& key,
                                         int64_t otherwise);
/// The reverse: a number where both are the same.
nlohmann::json sides_to_json(int64_t height, int64_t width);

}  // namespace zoo
