// Special ids in config.json: one, several or null.
#include "models/pretrained/format/special_ids.h"

#include <nlohmann/json.hpp>

#include "models/pretrained/format/options_json.h"

namespace zoo {
namespace {

using nlohmann::json;

std::optional<int64_t> one_id(const json& config, const char* key) {
  const auto found = config.find(key);
  if (found == config.end() || found->is_null()) return std::nullopt;
  return json_value<int64_t>(*found, key);
}

std::vector<int64_t> several_ids(const json& config, const char* key) {
  std::vector<int64_t> ids;
  const auto found = config.find(key);
  if (found != config.end() && found->is_array()) {
    for (const auto& id : *found) ids.push_back(json_value<int64_t>(id, key));
  } else if (const auto id = one_id(config, key)) {
    ids.push_back(*id);
  }
  return ids;
}

/// Null for nothing: left out, the reference would put the ids of its own vocabulary.
json to_json(const std::optional<int64_t>& id) { return id ? json(*id) : json(); }

}  // namespace

SpecialIds special_ids(const json& config) {
  return {.bos = one_id(config, "bos_token_id"),
          .eos = several_ids(config, "eos_token_id"),
          .pad = one_id(config, "pad_token_id"),
          .decoder_start = one_id(config, "decoder_start_token_id")};
}

void put_special_ids(const SpecialIds& ids, json& config) {
  config["bos_token_id"] = to_json(ids.bos);
  config["pad_token_id"] = to_json(ids.pad);
  config["eos_token_id"] = ids.eos.empty()       ? json()
                           : ids.eos.size() == 1 ? json(ids.eos.front())
                                                 : json(ids.eos);
  if (ids.decoder_start) config["decoder_start_token_id"] = *ids.decoder_start;
}

}  // namespace zoo
