// Two files, one meaning: which of them counts, and which of its keys.
#include "infer/generation/generation_config.h"

#include <fmt/format.h>

#include <stdexcept>
#include <string_view>

#include "base/files.h"
#include "infer/generation/generation_keys.h"
#include "models/pretrained/format/config_json.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

/// A value that switches its key off.
bool is_off(const GenerationKey& key, const json& value) {
  if (value.is_null() || value == false) return true;
  return key.name == "guidance_scale" && value.is_number() && value == 1;
}

/// A cache that changes texts, other than its fellows.
bool is_quantized(std::string_view name, const json& value) {
  return name == "cache_implementation" && value.is_string() &&
         value.get<std::string>().find("quantized") != std::string::npos;
}

void take(const std::string& name, const json& value, bool all_keys, GenerationConfig& result) {
  const GenerationKey* const key = find_generation_key(name);
  if (key == nullptr) {
    if (all_keys) result.unread.push_back(name);
    return;
  }
  if (is_off(*key, value) && key->use != KeyUse::kTaken) return;
  if (value.is_null()) return;
  const auto refuse = [&](std::string_view why) {
    result.refused.push_back(fmt::format("\"{}\" is not honoured: {}", name, why));
  };
  if (key->use == KeyUse::kRefused) refuse(key->why);
  if (is_quantized(name, value)) refuse("a quantized cache gives other texts; leave the key out");
  if (key->use == KeyUse::kTaken) result.settings[name] = value;
}

/// Models of before transformers 5 keep the settings in config.json, some in their decoder's part.
void read_model_config(const json& config, GenerationConfig& result) {
  for (const auto& [name, value] : config.items()) take(name, value, false, result);
  for (const char* part : {"decoder", "generator", "text_config"}) {
    const auto found = config.find(part);
    if (found == config.end() || !found->is_object() || found->empty()) continue;
    for (const auto& [name, value] : found->items()) {
      if (!result.settings.contains(name)) take(name, value, false, result);
    }
    break;
  }
}

/// BART's older name for forced_bos_token_id.
void read_forced_bos(json& settings, bool from_model_config) {
  const auto forced = settings.find("force_bos_token_to_be_generated");
  if (forced == settings.end()) return;
  if (from_model_config && *forced == true && settings.contains("bos_token_id"))
    settings["forced_bos_token_id"] = settings["bos_token_id"];
  settings.erase("force_bos_token_to_be_generated");
}

/// A list with one id is that id: all texts of a call start alike.
void read_decoder_start(json& settings) {
  const auto start = settings.find("decoder_start_token_id");
  if (start == settings.end() || !start->is_array()) return;
  if (start->size() != 1) {
    config_fail(
        "\"decoder_start_token_id\" is a list of {} ids, one a text of a batch; name one id",
        start->size());
  }
  const json only = start->front();
  settings["decoder_start_token_id"] = only;
}

std::string path_and(const fs::path& path, const std::exception& error) {
  return fmt::format("{}: {}", path.string(), error.what());
}

}  // namespace

GenerationConfig read_generation_config(const fs::path& folder) {
  GenerationConfig result;
  std::error_code ignored;
  const fs::path own = folder / "generation_config.json", model = folder / "config.json";
  const bool has_own = fs::exists(own, ignored);
  if (!has_own && !fs::exists(model, ignored)) return result;
  result.file = has_own ? own : model;
  if (has_own) {
    const json config = json::parse(read_file(own), nullptr, /*allow_exceptions=*/false);
    if (!config.is_object()) config_fail("{}: not a JSON object", own.string());
    try {
      for (const auto& [name, value] : config.items()) take(name, value, true, result);
      const auto from_model = config.find("_from_model_config");
      read_forced_bos(result.settings, from_model != config.end() && *from_model == true);
    } catch (const std::exception& error) {
      throw std::runtime_error(path_and(own, error));
    }
  }
  if (fs::exists(model, ignored)) {
    read_config(folder, [&](const json& config) {
      result.prefix = config_value<std::string>(config, "prefix", "");
      if (has_own) return;
      read_model_config(config, result);
      read_forced_bos(result.settings, true);
    });
  }
  try {
    read_decoder_start(result.settings);
    result.ids = special_ids(result.settings);
  } catch (const std::exception& error) {
    throw std::runtime_error(path_and(result.file, error));
  }
  for (const char* id : {"bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id"})
    result.settings.erase(id);
  return result;
}

void save_generation_config(const SpecialIds& ids, const std::vector<int64_t>& suppressed,
                            int64_t num_beams, const fs::path& folder) {
  json config = {{"num_beams", num_beams}};
  put_special_ids(ids, config);
  if (!suppressed.empty()) config["suppress_tokens"] = suppressed;
  write_file(folder / "generation_config.json", config.dump(2) + "\n");
}

}  // namespace zoo
