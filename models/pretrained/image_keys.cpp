// One number or two.
#include "models/pretrained/image_keys.h"

#include "models/pretrained/config_json.h"

namespace zoo {

using nlohmann::json;

std::pair<int64_t, int64_t> config_sides(const json& config, const std::string& key,
                                         int64_t otherwise) {
  const auto found = config.find(key);
  if (found == config.end() || !found->is_array()) {
    const int64_t side = config_count(config, key, otherwise);
    return {side, side};
  }
  if (found->size() != 2) config_fail("\"{}\" must be a number or a list of two", key);
  const auto side = [&](size_t n) { return config_count(json{{key, (*found)[n]}}, key, 0); };
  return {side(0), side(1)};
}

json sides_to_json(int64_t height, int64_t width) {
  return height == width ? json(height) : json({height, width});
}

}  // namespace zoo
