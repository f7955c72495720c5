#include "infer/inspect/inspection.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/files.h"
#include "models/gpt_size.h"
#include "models/pretrained/gpt_config.h"
#include "models/pretrained/safetensors.h"

namespace zoo {
namespace {

using nlohmann::json;

json tensors_of(const SafetensorsReader& reader) {
  json tensors = json::array();
  for (const auto& name : reader.names()) {
    const auto& entry = reader.entry(name);
    tensors.push_back({{"name", name},
                       {"shape", entry.shape},
                       {"dtype", safetensors_dtype_name(entry.dtype)},
                       {"bytes", entry.bytes()}});
  }
  return tensors;
}

/// Where only the file is known: every number in it that is trained, that is, not an integer.
int64_t floating_numbers(const SafetensorsReader& reader) {
  int64_t sum = 0;
  for (const auto& name : reader.names()) {
    const auto& entry = reader.entry(name);
    if (!c10::isFloatingType(entry.dtype)) continue;
    sum += static_cast<int64_t>(entry.bytes() / c10::elementSize(entry.dtype));
  }
  return sum;
}

/// Training computes in float32: gradients as large as the weights, AdamW two moments more.
void add_gpt(json& result, const GptOptions& options, int64_t length) {
  if (length == 0) length = options.context;
  const GptSize size = gpt_size(options, length);
  constexpr int64_t number = sizeof(float);
  result["parameters"] = {{"total", size.parameters},
                          {"embedding", size.embedding_parameters},
                          {"non_embedding", size.parameters - size.embedding_parameters}};
  result["flops_per_token"] = {{"length", length},
                               {"forward", size.forward_flops_per_token},
                               {"training", size.training_flops_per_token}};
  result["memory_bytes"] = {{"weights", number * size.parameters},
                            {"gradients", number * size.parameters},
                            {"optimizer", 2 * number * size.parameters},
                            {"kv_cache_per_token", number * size.cache_values_per_token}};
}

std::string bytes_text(double bytes) {
  for (const char* unit : {"B", "KiB", "MiB", "GiB"}) {
    if (bytes < 1024) return fmt::format("{:.{}f} {}", bytes, *unit == 'B' ? 0 : 1, unit);
    bytes /= 1024;
  }
  return fmt::format("{:.1f} TiB", bytes);
}

std::string count_text(double count) {
  for (const char* unit : {"", " K", " M", " G"}) {
    if (count < 1000) return fmt::format("{:.{}f}{}", count, *unit == '\0' ? 0 : 2, unit);
    count /= 1000;
  }
  return fmt::format("{:.2f} T", count);
}

}  // namespace

json inspect(const std::filesystem::path& path, int64_t length) {
  const SafetensorsReader reader(path);
  json result = {{"path", path.string()},
                 {"model_type", nullptr},
                 {"tensors", tensors_of(reader)},
                 {"bytes", reader.bytes()},
                 {"parameters", {{"total", floating_numbers(reader)}}}};
  if (!std::filesystem::exists(path / "config.json")) return result;
  const auto config = json::parse(read_file(path / "config.json"), nullptr, false);
  const bool named = config.is_object() && config.contains("model_type");
  if (named && config["model_type"].is_string()) result["model_type"] = config["model_type"];
  for (const auto& [layout, name] : EnumNames<GptLayout>::values) {
    if (result["model_type"] == name) add_gpt(result, read_gpt_config(path).options, length);
  }
  return result;
}

std::string inspection_text(const json& inspection) {
  size_t widest = 4;
  for (const auto& tensor : inspection["tensors"]) {
    widest = std::max(widest, tensor["name"].get_ref<const std::string&>().size());
  }
  std::string text =
      fmt::format("{:<{}}  {:<18} {:<8} {:>10}\n", "tensor", widest, "shape", "dtype", "size");
  for (const auto& tensor : inspection["tensors"]) {
    text += fmt::format("{:<{}}  {:<18} {:<8} {:>10}\n", tensor["name"].get<std::string>(), widest,
                        shape_text(tensor["shape"].get<std::vector<int64_t>>()),
                        tensor["dtype"].get<std::string>(), bytes_text(tensor["bytes"]));
  }
  text += fmt::format("{} tensors, {}\n", inspection["tensors"].size(),
                      bytes_text(inspection["bytes"]));
  const auto& parameters = inspection["parameters"];
  text += fmt::format("\nparameters        {}", count_text(parameters["total"]));
  if (!inspection.contains("flops_per_token")) return text + "\n";

  const auto& flops = inspection["flops_per_token"];
  const auto& memory = inspection["memory_bytes"];
  text += fmt::format(" ({} in embeddings, {} elsewhere)\n", count_text(parameters["embedding"]),
                      count_text(parameters["non_embedding"]));
  text += fmt::format("FLOPs per token   forward {}, training step {} (sequences of {} tokens)\n",
                      count_text(flops["forward"]), count_text(flops["training"]),
                      flops["length"].get<int64_t>());
  text += fmt::format("memory (float32)  weights {}, gradients {}, AdamW {}, KV cache {} a token\n",
                      bytes_text(memory["weights"]), bytes_text(memory["gradients"]),
                      bytes_text(memory["optimizer"]), bytes_text(memory["kv_cache_per_token"]));
  return text;
}

}  // namespace zoo
