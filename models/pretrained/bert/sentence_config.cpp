// Module by module.
#include "models/pretrained/bert/sentence_config.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <stdexcept>

#include "base/files.h"
#include "models/pretrained/format/config_json.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

/// A small file as an object; an empty one where there is none.
json read_object(const fs::path& path) {
  if (!fs::exists(path)) return json::object();
  const auto parsed = json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) config_fail("{}: not a JSON object", path.string());
  return parsed;
}

/// Runs `read`, whose messages then begin with the file's path.
template <class Read>
void in_file(const fs::path& path, const Read& read) {
  try {
    read(read_object(path));
  } catch (const std::exception& error) {
    const std::string message = error.what();
    if (message.starts_with(path.string())) throw;
    config_fail("{}: {}", path.string(), message);
  }
}

/// Keys with a value of their own that would change the embeddings.
void refuse_keys(const json& config, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    const auto found = config.find(key);
    if (found == config.end() || found->is_null() || (found->is_object() && found->empty()))
      continue;
    config_fail("\"{}\" is not supported; leave it out", key);
  }
}

void require_text(const json& config, const char* key, std::string_view value) {
  const auto given = config_value<std::string>(config, key, std::string(value));
  if (given != value)
    config_fail("\"{}\" is \"{}\", but only \"{}\" is supported", key, given.substr(0, 60), value);
}

/// The file of the transformer's module; its name depends on who wrote it, and the first that there
/// is holds.
fs::path transformer_file(const fs::path& folder) {
  for (const char* family :
       {"bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet"}) {
    const fs::path path = folder / fmt::format("sentence_{}_config.json", family);
    if (!read_object(path).empty()) return path;
  }
  return folder / "sentence_bert_config.json";
}

/// Texts go through the model's forward, and its last hidden state is pooled.
void check_modalities(const json& config) {
  const auto found = config.find("modality_config");
  if (found == config.end() || found->is_null()) return;
  const auto text = found->is_object() ? found->find("text") : found->end();
  if (text == found->end() || !text->is_object())
    config_fail("\"modality_config\" has no \"text\"");
  require_text(*text, "method", "forward");
  require_text(*text, "method_output_name", "last_hidden_state");
  if (found->contains("message"))
    config_fail("\"modality_config\" has \"message\": chat templates are not supported");
}

void read_transformer(const fs::path& folder, SentenceConfig& result) {
  result.encoder = folder;
  in_file(transformer_file(folder), [&](const json& config) {
    if (config_value<int64_t>(config, "max_seq_length", 0) != 0)
      result.max_length = config_count(config, "max_seq_length", 1);
    result.lower_case = config_value(config, "do_lower_case", false);
    require_text(config, "transformer_task", "feature-extraction");
    require_text(config, "module_output_name", "token_embeddings");
    check_modalities(config);
    refuse_keys(config, {"model_args", "model_kwargs", "tokenizer_args", "processor_kwargs",
                         "config_args", "config_kwargs", "processing_kwargs", "query_length",
                         "document_length", "query_expansion", "tokenizer_name_or_path"});
  });
}

/// Older files have a truth value a mode.
std::vector<TokenPooling> pooling_modes(const json& config) {
  std::vector<TokenPooling> modes;
  const auto given = config.find("pooling_mode");
  if (given != config.end() && !given->is_null()) {
    for (const auto& mode : given->is_array() ? *given : json::array({*given}))
      modes.push_back(parse_enum<TokenPooling>(json_value<std::string>(mode, "pooling_mode")));
    if (modes.empty()) config_fail("\"pooling_mode\" is empty");
    return modes;
  }
  constexpr std::pair<const char*, TokenPooling> kFlags[] = {
      {"pooling_mode_cls_token", TokenPooling::kFirst},
      {"pooling_mode_max_tokens", TokenPooling::kMax},
      {"pooling_mode_mean_tokens", TokenPooling::kMean},
      {"pooling_mode_mean_sqrt_len_tokens", TokenPooling::kMeanSqrtLength},
      {"pooling_mode_weightedmean_tokens", TokenPooling::kWeightedMean},
      {"pooling_mode_lasttoken", TokenPooling::kLast}};
  for (const auto& [key, mode] : kFlags)
    if (config_value(config, key, false)) modes.push_back(mode);
  for (const auto& entry : config.items()) {
    const bool known =
        std::ranges::any_of(kFlags, [&](const auto& flag) { return entry.key() == flag.first; });
    if (entry.key().starts_with("pooling_mode_") && !known)
      config_fail("\"{}\" is not a pooling mode that is known", entry.key().substr(0, 60));
  }
  return modes.empty() ? std::vector{TokenPooling::kMean} : modes;
}

void read_pooling(const fs::path& folder, SentenceConfig& result) {
  in_file(folder / "config.json", [&](const json& config) {
    result.pooling = pooling_modes(config);
    result.include_prompt = config_value(config, "include_prompt", true);
  });
}

SentenceStep read_dense(const fs::path& folder) {
  SentenceStep step{.kind = SentenceStepKind::kDense, .folder = folder};
  in_file(folder / "config.json", [&](const json& config) {
    step.in_features = config_count(config, "in_features", 0);
    step.out_features = config_count(config, "out_features", 0);
    step.bias = config_value(config, "bias", true);
    step.activation = config_value(config, "activation_function", step.activation);
    require_text(config, "module_input_name", "sentence_embedding");
    require_text(config, "module_output_name", "sentence_embedding");
    if (config_value(config, "use_residual", false))
      config_fail("\"use_residual\" is true, which is not supported");
  });
  return step;
}

SentenceStep read_layer_norm(const fs::path& folder) {
  SentenceStep step{.kind = SentenceStepKind::kLayerNorm, .folder = folder};
  in_file(folder / "config.json", [&](const json& config) {
    step.in_features = step.out_features = config_count(config, "dimension", 0);
  });
  return step;
}

SentenceStep read_normalize(const fs::path& folder) {
  in_file(folder / "config.json", [&](const json& config) {
    require_text(config, "module_input_name", "sentence_embedding");
    require_text(config, "module_output_name", "sentence_embedding");
  });
  return {.kind = SentenceStepKind::kNormalize};
}

/// "Pooling" of "sentence_transformers.models.Pooling" (before version 6), and of the places where
/// it stands today.
std::string module_name(const json& module) {
  const auto type = json_value<std::string>(module.value("type", json()), "type");
  const size_t dot = type.rfind('.');
  if (!type.starts_with("sentence_transformers.") || dot == std::string::npos)
    config_fail("module \"{}\" is not one of the library's", type.substr(0, 80));
  return type.substr(dot + 1);
}

/// A module's folder, which lies below the model's.
fs::path module_folder(const fs::path& folder, const json& module) {
  const auto path = json_value<std::string>(module.value("path", json("")), "path");
  const fs::path relative = fs::path(path).lexically_normal();
  if (relative.is_absolute() || (!relative.empty() && *relative.begin() == ".."))
    config_fail("\"path\" \"{}\" leads out of the folder", path.substr(0, 80));
  return path.empty() ? folder : folder / relative;
}

void read_modules(const fs::path& folder, SentenceConfig& result) {
  const fs::path path = folder / "modules.json";
  const auto modules = json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  const auto refuse = [&](const std::string& why) { config_fail("{}: {}", path.string(), why); };
  if (!modules.is_array() || modules.empty()) refuse("not a list of modules");
  bool pooled = false;
  for (size_t n = 0; n < modules.size(); ++n) {
    if (!modules[n].is_object()) refuse("a module is not an object");
    std::string name;
    fs::path below;
    try {
      name = module_name(modules[n]);
      below = module_folder(folder, modules[n]);
    } catch (const std::exception& error) {
      refuse(error.what());
    }
    if ((name == "Transformer") != (n == 0))
      refuse("the first module, and no other, must be a Transformer");
    if (name == "Transformer") {
      read_transformer(below, result);
    } else if ((name == "Pooling") != (n == 1)) {
      refuse("the second module, and no other, must be a Pooling");
    } else if (name == "Pooling") {
      read_pooling(below, result);
      pooled = true;
    } else if (name == "Normalize") {
      result.steps.push_back(read_normalize(below));
    } else if (name == "Dense") {
      result.steps.push_back(read_dense(below));
    } else if (name == "LayerNorm") {
      result.steps.push_back(read_layer_norm(below));
    } else if (name != "Dropout") {
      refuse(
          fmt::format("module {} is not supported; known are Transformer, Pooling, Normalize, "
                      "Dense, LayerNorm, Dropout",
                      name.substr(0, 60)));
    }
  }
  if (!pooled) refuse("has no Pooling: its vectors are of tokens, not of sentences");
}

void read_prompts(const json& config, SentenceConfig& result) {
  const auto prompts = config.find("prompts");
  if (prompts != config.end() && !prompts->is_null()) {
    if (!prompts->is_object()) config_fail("\"prompts\" must be an object");
    for (const auto& [name, prompt] : prompts->items())
      if (!prompt.is_null()) result.prompts[name] = json_value<std::string>(prompt, "prompts");
  }
  result.default_prompt = config_value<std::string>(config, "default_prompt_name", "");
  if (!result.default_prompt.empty() && !result.prompts.contains(result.default_prompt))
    config_fail("\"default_prompt_name\" is \"{}\", which is not among \"prompts\"",
                result.default_prompt.substr(0, 60));
}

void read_library_config(const fs::path& folder, SentenceConfig& result) {
  in_file(folder / "config_sentence_transformers.json", [&](const json& config) {
    require_text(config, "model_type", "SentenceTransformer");
    read_prompts(config, result);
    result.similarity =
        parse_enum<Similarity>(config_value<std::string>(config, "similarity_fn_name", "cosine"));
    if (config.contains("truncate_dim") && !config["truncate_dim"].is_null())
      result.dimensions = config_count(config, "truncate_dim", 1);
  });
}

}  // namespace

std::string SentenceConfig::prompt(const std::string& name) const {
  for (const auto& key : {name, default_prompt}) {
    if (const auto found = prompts.find(key); found != prompts.end()) return found->second;
  }
  return "";
}

SentenceConfig read_sentence_config(const fs::path& folder) {
  SentenceConfig result{.encoder = folder};
  if (fs::exists(folder / "modules.json")) {
    read_modules(folder, result);
    read_library_config(folder, result);
  } else if (fs::exists(folder / "1_Pooling" / "config.json")) {
    config_fail(
        "{}: has 1_Pooling/config.json but no modules.json, without which sentence-transformers "
        "passes over it; add "
        "modules.json, or remove 1_Pooling",
        folder.string());
  }
  return result;
}

std::optional<int64_t> tokenizer_max_length(const fs::path& folder) {
  std::optional<int64_t> length;
  in_file(folder / "tokenizer_config.json", [&](const json& config) {
    const auto found = config.find("model_max_length");
    if (found == config.end() || found->is_null()) return;
    const auto value = json_value<double>(*found, "model_max_length");  // 1e30 stands for none
    if (value >= 1 && value <= INT32_MAX) length = static_cast<int64_t>(value);
  });
  return length;
}

}  // namespace zoo
