// Counts the tensors of a file and, where config.json fits them, what the model costs.
#include "infer/inspect/inspection.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/files.h"
#include "models/pretrained/all_models.h"
#include "models/pretrained/format/safetensors.h"

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

/// The floating-point numbers of all tensors.
int64_t all_numbers(const SafetensorsReader& reader) {
  int64_t sum = 0;
  for (const auto& name : reader.names()) {
    const auto& entry = reader.entry(name);
    if (c10::isFloatingType(entry.dtype))
      sum += static_cast<int64_t>(entry.bytes() / c10::elementSize(entry.dtype));
  }
  return sum;
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

json flops_of(double forward, double training) {
  return {{"forward", forward}, {"training", training}};
}

/// Of a decoder, whose operations are told for each token of a sequence.
void add_decoder(json& result, const CheckpointCost& cost) {
  const auto tokens = static_cast<double>(cost.tokens);
  result["flops_per_token"] =
      flops_of(cost.cost.forward_flops / tokens, training_flops(cost.cost) / tokens);
  result["flops_per_token"]["length"] = cost.tokens;
  const auto embedding = static_cast<int64_t>(cost.cost.embedding_parameters);
  auto& parameters = result["parameters"];
  parameters["embedding"] = embedding;
  parameters["non_embedding"] = parameters["total"].get<int64_t>() - embedding;
  result["memory_bytes"]["kv_cache_per_token"] =
      static_cast<int64_t>(sizeof(float)) * static_cast<int64_t>(cost.cost.cache_values_per_token);
  if (cost.cost.cache_values > 0) {
    result["memory_bytes"]["state_per_sequence"] =
        static_cast<int64_t>(sizeof(float)) * static_cast<int64_t>(cost.cost.cache_values);
  }
}

/// The tensors are what is there; config.json only tells what is done with them. It is believed
/// where the tensors fit it.
void add_cost(json& result, const ModelFamily& family, const std::filesystem::path& folder,
              int64_t length) {
  const CheckpointCost cost = family.cost(folder, length);
  const auto all_numbers_in_file = result["parameters"]["total"].get<int64_t>();
  if (cost.held_parameters) {
    const auto held = static_cast<double>(*cost.held_parameters);
    const int64_t besides = all_numbers_in_file - *cost.held_parameters;
    result["parameters"]["total"] = *cost.held_parameters;
    if (besides > 0) result["added_by_layout"] = besides;
    if (cost.cost.parameters != held) {
      result["mismatch"] =
          fmt::format("config.json describes {} parameters, but the tensors hold {}",
                      count_text(cost.cost.parameters), count_text(held));
      return;
    }
  }
  result["memory_bytes"] = memory_of(result["parameters"]["total"].get<int64_t>());
  if (cost.tokens > 0) return add_decoder(result, cost);
  result["flops"] = flops_of(cost.cost.forward_flops, training_flops(cost.cost));
  result["flops"]["input"] = cost.input;
}

std::string bytes_text(double bytes) {
  for (const char* unit : {"B", "KiB", "MiB", "GiB"}) {
    if (bytes < 1024) return fmt::format("{:.{}f} {}", bytes, *unit == 'B' ? 0 : 1, unit);
    bytes /= 1024;
  }
  return fmt::format("{:.1f} TiB", bytes);
}

/// Why the tensors of the table hold more numbers than the model has parameters.
std::string added_text(const json& inspection) {
  const auto added = inspection.find("added_by_layout");
  if (added == inspection.end()) return "";
  return fmt::format(
      "not counted       {}: biases of zero, masks or copies that the file's layout has and the "
      "model does not\n",
      count_text(*added));
}

}  // namespace

json inspect(const std::filesystem::path& path, int64_t length) {
  const SafetensorsReader reader(path);
  json result = {{"model", path.string()},  {"path", path.string()},
                 {"model_type", nullptr},   {"tensors", tensors_of(reader)},
                 {"bytes", reader.bytes()}, {"parameters", {{"total", all_numbers(reader)}}}};
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
  const ModelFamily* family = result["model_type"].is_string()
                                  ? all_models().find(result["model_type"].get<std::string>())
                                  : nullptr;
  try {
    if (family != nullptr) add_cost(result, *family, path, length);
  } catch (const std::runtime_error& error) {  // a model that does not open has no cost
    result["mismatch"] = error.what();
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
  if (inspection.contains("mismatch")) {
    return text + "\nno FLOPs, no memory   " + inspection["mismatch"].get<std::string>() + "\n";
  }
  const std::string added = added_text(inspection);
  const bool per_token = inspection.contains("flops_per_token");
  if (!per_token && !inspection.contains("flops")) return text + "\n" + added;

  const auto& flops = inspection[per_token ? "flops_per_token" : "flops"];
  const auto& memory = inspection["memory_bytes"];
  if (per_token) {
    text += fmt::format(" ({} in embeddings, {} elsewhere)", count_text(parameters["embedding"]),
                        count_text(parameters["non_embedding"]));
  }
  const std::string input =
      per_token ? fmt::format("sequences of {} tokens", flops["length"].get<int64_t>())
                : flops["input"].get<std::string>();
  text += "\n" + added;
  text += fmt::format("{:<18}forward {}, training step {} ({})\n",
                      per_token ? "FLOPs per token" : "FLOPs", count_text(flops["forward"]),
                      count_text(flops["training"]), input);
  text += fmt::format("memory (float32)  weights {}, gradients {}, AdamW {}",
                      bytes_text(memory["weights"]), bytes_text(memory["gradients"]),
                      bytes_text(memory["optimizer"]));
  if (per_token)
    text += fmt::format(", KV cache {} a token", bytes_text(memory["kv_cache_per_token"]));
  if (memory.contains("state_per_sequence"))
    text += fmt::format(", state {} a sequence", bytes_text(memory["state_per_sequence"]));
  text += "\n";
  return text;
}

}  // namespace zoo
