// Counts the tensors of a file and, where config.json fits them, what the model costs.
#include "infer/inspect/inspection.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/files.h"
#include "infer/inspect/model_cost.h"
#include "models/gpt/gpt_size.h"
#include "models/pretrained/format/safetensors.h"
#include "models/pretrained/gpt/gpt_checkpoint.h"

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

/// The floating-point numbers of the tensors that `counts` picks by name: what is trained is one.
template <class Counts>
int64_t floating_numbers(const SafetensorsReader& reader, Counts counts) {
  int64_t sum = 0;
  for (const auto& name : reader.names()) {
    const auto& entry = reader.entry(name);
    if (!c10::isFloatingType(entry.dtype) || !counts(name)) continue;
    sum += static_cast<int64_t>(entry.bytes() / c10::elementSize(entry.dtype));
  }
  return sum;
}

int64_t all_numbers(const SafetensorsReader& reader) {
  return floating_numbers(reader, [](const std::string&) { return true; });
}

int64_t parameters_in(const SafetensorsReader& reader, const GptConfig& config) {
  // A map lists the layers that config.json promises: not a million of them for a small file.
  if (config.options.layers > std::ssize(reader.names())) return all_numbers(reader);
  const NameMap map = gpt_name_map(config.layout, config.options);
  return floating_numbers(reader,
                          [&](const std::string& name) { return holds_parameter(map, name); });
}

std::string count_text(double count) {
  for (const char* unit : {"", " K", " M", " G"}) {
    if (count < 1000) return fmt::format("{:.{}f}{}", count, *unit == '\0' ? 0 : 2, unit);
    count /= 1000;
  }
  return fmt::format("{:.2f} T", count);
}

/// Training computes in float32: gradients as large as the weights, AdamW two moments more.
json memory_of(int64_t parameters) {
  constexpr int64_t number = sizeof(float);
  return {{"weights", number * parameters},
          {"gradients", number * parameters},
          {"optimizer", 2 * number * parameters}};
}

/// The tensors are what is there; config.json only tells what is done with them, and is believed
/// where it describes as many numbers.
void add_gpt(json& result, const SafetensorsReader& reader, const GptConfig& config,
             int64_t length) {
  const GptOptions& o = config.options;
  if (length == 0) length = o.context;
  const GptSize size = gpt_size(o, length);
  const int64_t held = parameters_in(reader, config);
  const bool without_output = !config.has_head && !reader.contains("lm_head.weight");
  const double described = size.parameters - (without_output ? size.output_parameters : 0);
  result["parameters"] = {{"total", held}};
  if (described != static_cast<double>(held)) {
    result["mismatch"] = fmt::format("config.json describes {} parameters, but the tensors hold {}",
                                     count_text(described), count_text(static_cast<double>(held)));
    return;
  }
  const auto embedding = static_cast<int64_t>(size.embedding_parameters);
  result["parameters"]["embedding"] = embedding;
  result["parameters"]["non_embedding"] = held - embedding;
  double forward = size.forward_flops_per_token;
  if (!config.has_head) forward -= 2.0 * double(o.vocab_size) * double(o.d_model);
  result["flops_per_token"] = {{"length", length}, {"forward", forward}, {"training", 3 * forward}};
  result["memory_bytes"] = memory_of(held);
  result["memory_bytes"]["kv_cache_per_token"] =
      static_cast<int64_t>(sizeof(float)) * static_cast<int64_t>(size.cache_values_per_token);
}

/// A model that does not open has no cost that could be told.
void add_cost(json& result, const std::filesystem::path& folder, const std::string& model_type,
              int64_t length) {
  try {
    const auto cost = model_cost(folder, model_type, length);
    if (!cost) return;
    result["flops"] = {{"input", cost->input},
                       {"forward", cost->forward_flops},
                       {"training", 3 * cost->forward_flops}};
    result["memory_bytes"] = memory_of(result["parameters"]["total"].get<int64_t>());
  } catch (const std::runtime_error& error) {
    result["mismatch"] = error.what();
  }
}

std::string bytes_text(double bytes) {
  for (const char* unit : {"B", "KiB", "MiB", "GiB"}) {
    if (bytes < 1024) return fmt::format("{:.{}f} {}", bytes, *unit == 'B' ? 0 : 1, unit);
    bytes /= 1024;
  }
  return fmt::format("{:.1f} TiB", bytes);
}

}  // namespace

json inspect(const std::filesystem::path& path, int64_t length) {
  const SafetensorsReader reader(path);
  json result = {{"path", path.string()},
                 {"model_type", nullptr},
                 {"tensors", tensors_of(reader)},
                 {"bytes", reader.bytes()},
                 {"parameters", {{"total", all_numbers(reader)}}}};
  const auto config_path = path / "config.json";
  if (!std::filesystem::exists(config_path)) return result;
  const auto config =
      json::parse(read_file(config_path, kSmallFile), nullptr, /*allow_exceptions=*/false);
  if (!config.is_object()) {
    throw std::runtime_error(
        fmt::format("{}: not a JSON object; mend it, or name the safetensors file alone",
                    config_path.string()));
  }
  const auto type = config.find("model_type");
  if (type != config.end() && type->is_string()) result["model_type"] = *type;
  for (const auto& [layout, name] : EnumNames<GptLayout>::values) {
    if (result["model_type"] == name) add_gpt(result, reader, read_gpt_config(path), length);
  }
  if (type != config.end() && type->is_string()) add_cost(result, path, *type, length);
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
  if (inspection.contains("mismatch")) {
    return text + "\nno FLOPs, no memory   " + inspection["mismatch"].get<std::string>() + "\n";
  }
  const bool per_token = inspection.contains("flops_per_token");
  if (!per_token && !inspection.contains("flops")) return text + "\n";

  const auto& flops = inspection[per_token ? "flops_per_token" : "flops"];
  const auto& memory = inspection["memory_bytes"];
  if (per_token) {
    text += fmt::format(" ({} in embeddings, {} elsewhere)", count_text(parameters["embedding"]),
                        count_text(parameters["non_embedding"]));
  }
  const std::string input =
      per_token ? fmt::format("sequences of {} tokens", flops["length"].get<int64_t>())
                : flops["input"].get<std::string>();
  text += fmt::format("\n{:<18}forward {}, training step {} ({})\n",
                      per_token ? "FLOPs per token" : "FLOPs", count_text(flops["forward"]),
                      count_text(flops["training"]), input);
  text += fmt::format("memory (float32)  weights {}, gradients {}, AdamW {}",
                      bytes_text(memory["weights"]), bytes_text(memory["gradients"]),
                      bytes_text(memory["optimizer"]));
  if (per_token)
    text += fmt::format(", KV cache {} a token", bytes_text(memory["kv_cache_per_token"]));
  text += "\n";
  return text;
}

}  // namespace zoo
