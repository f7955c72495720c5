#include "tokenizers/batch_sides.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "base/files.h"

namespace zoo {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

json object_in(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return json::object();
  json parsed = json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  return parsed.is_object() ? parsed : json::object();
}

/// `side`, or where it is null the `direction` of a tokenizer.json: "Left" or "Right".
Side side_of(const json& config, const char* key, const json& direction) {
  const json side = config.value(key, json());
  if (side == "left" || (side.is_null() && direction == "Left")) return Side::kLeft;
  if (side == "right" || side.is_null()) return Side::kRight;
  throw std::runtime_error(
      fmt::format("tokenizer_config.json: {} must be \"left\" or \"right\"", key));
}

json direction_in(const json& tokenizer, const char* stage) {
  const auto found = tokenizer.find(stage);
  return found != tokenizer.end() && found->is_object() ? found->value("direction", json())
                                                        : json();
}

}  // namespace

BatchSides batch_sides(const fs::path& folder) {
  const json config = object_in(folder / "tokenizer_config.json");
  const json tokenizer = object_in(folder / "tokenizer.json");
  return {.padding = side_of(config, "padding_side", direction_in(tokenizer, "padding")),
          .truncation = side_of(config, "truncation_side", direction_in(tokenizer, "truncation"))};
}

}  // namespace zoo
