// Which architecture of config.json is run by whom.
#include "infer/forward/forward.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>

#include "base/files.h"
#include "models/pretrained/bert/bert_config.h"

namespace zoo {
namespace {

using Run = ForwardOutputs (*)(const ForwardRequest&, const SafetensorsReader&);

// A family joins by its rows here; the BERT families have a table of their own. model_type decides
// where config.json names no architecture.
constexpr struct {
  std::string_view architecture, model_type;
  Run run;
} kArchitectures[] = {
    {"GPT2LMHeadModel", "gpt2", forward_gpt},
    {"GPT2Model", "gpt2", forward_gpt},
    {"LlamaForCausalLM", "llama", forward_gpt},
    {"LlamaModel", "llama", forward_gpt},
    {"ZooGpt", "zoo_gpt", forward_gpt},
    {"MarianMTModel", "marian", forward_transformer},
    {"MarianModel", "marian", forward_transformer},
    {"BartForConditionalGeneration", "bart", forward_transformer},
    {"BartModel", "bart", forward_transformer},
    {"PegasusForConditionalGeneration", "pegasus", forward_transformer},
    {"PegasusModel", "pegasus", forward_transformer},
    {"ZooTransformer", "zoo_transformer", forward_transformer},
    {"ZooRecurrent", "zoo_recurrent", forward_recurrent},
    {"ViTForImageClassification", "vit", forward_vit},
    {"ViTModel", "vit", forward_vit},
    {"DeiTForImageClassificationWithTeacher", "deit", forward_vit},
    {"DeiTForImageClassification", "deit", forward_vit},
    {"DeiTModel", "deit", forward_vit},
    {"ZooVit", "zoo_vit", forward_vit},
    {"CLIPModel", "clip", forward_clip},
    {"CLIPTextModelWithProjection", "clip_text_model", forward_clip},
    {"CLIPVisionModelWithProjection", "clip_vision_model", forward_clip},
    {"ZooClip", "zoo_clip", forward_clip},
    {"ZooCnn", "zoo_cnn", forward_image},
    {"ZooCct", "zoo_cct", forward_image},
    {"ZooLinear", "zoo_linear", forward_image},
};

/// A string of config.json, or of the list there; empty where there is none.
std::string text_of(const nlohmann::json& config, const std::string& key) {
  if (!config.is_object() || !config.contains(key)) return "";
  const auto& value = config[key].is_array() && !config[key].empty() ? config[key][0] : config[key];
  return value.is_string() ? value.get<std::string>() : "";
}

/// Who runs the architecture of this config.json.
Run find_run(const std::filesystem::path& path) {
  const auto config =
      nlohmann::json::parse(read_file(path, kSmallFile), nullptr, /*allow_exceptions=*/false);
  if (config.is_discarded()) throw std::runtime_error(path.string() + ": not JSON");
  const std::string architecture = text_of(config, "architectures");
  const std::string model_type = text_of(config, "model_type");
  std::string known;
  const auto fits = [&](std::string_view name, std::string_view type) {
    known += known.empty() ? "" : ", ";
    known += name;
    return architecture.empty() ? model_type == type : architecture == name;
  };
  for (const auto& row : kArchitectures) {
    if (fits(row.architecture, row.model_type)) return row.run;
  }
  for (const auto& row : bert_architectures()) {
    if (fits(row.name, name_of(row.family))) return forward_bert;
    if (model_type == kZooBert && (architecture.empty() || architecture.ends_with(row.name)))
      return forward_bert;
  }
  throw std::runtime_error(
      fmt::format("{}: architecture {} (model_type {}) is not supported; known are {}",
                  path.string(), in_quotes(architecture), in_quotes(model_type), known));
}

}  // namespace

ForwardOutputs forward(const ForwardRequest& request, const SafetensorsReader& inputs) {
  const Run run = find_run(request.model / "config.json");
  ForwardOutputs outputs = run(request, inputs);
  for (auto& [name, tensor] : outputs) tensor = tensor.to(torch::kCPU, torch::kFloat).contiguous();
  return outputs;
}

}  // namespace zoo
