#include "train/trainer_state.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "app/files.h"
#include "models/pretrained/safetensors.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

constexpr int kVersion = 2;

using Tensors = std::map<std::string, torch::Tensor>;

void put(Tensors& into, const std::string& prefix, const Tensors& from) {
  for (const auto& [name, tensor] : from) into[prefix + name] = tensor;
}

Tensors take(const SafetensorsReader& from, const std::string& prefix) {
  Tensors tensors;
  for (const auto& name : from.names()) {
    if (name.starts_with(prefix)) tensors[name.substr(prefix.size())] = from.tensor(name).clone();
  }
  return tensors;
}

Tensors weights_of(const torch::nn::Module& module) {
  Tensors weights;
  for (const auto& item : module.named_parameters()) weights[item.key()] = item.value().detach();
  return weights;
}

bool has_cuda_generator() { return at::globalContext().hasCUDA(); }

Tensors random_state() {
  Tensors state;
  state["cpu"] = at::globalContext().defaultGenerator(torch::kCPU).get_state();
  if (has_cuda_generator())
    state["cuda"] = at::globalContext().defaultGenerator(torch::kCUDA).get_state();
  return state;
}

void restore_random_state(const Tensors& state) {
  const auto restore = [&](const std::string& name, torch::DeviceType type) {
    const auto found = state.find(name);
    if (found == state.end()) return;
    auto generator = at::globalContext().defaultGenerator(type);
    const std::lock_guard<std::mutex> lock(generator.mutex());
    generator.set_state(found->second);
  };
  restore("cpu", torch::kCPU);
  if (has_cuda_generator()) restore("cuda", torch::kCUDA);
}

fs::path progress_file(const fs::path& folder) {
  return folder / "trainer_state" / "progress.json";
}

nlohmann::ordered_json to_json(const Standing& standing) {
  nlohmann::ordered_json json = {{"best_step", standing.best_step},
                                 {"evaluations_since_best", standing.evaluations_since_best}};
  if (standing.best) json["best"] = *standing.best;
  return json;
}

nlohmann::ordered_json to_json(const Progress& progress) {
  nlohmann::ordered_json json = {{"version", kVersion},
                                 {"step", progress.step},
                                 {"elapsed_s", progress.elapsed_s},
                                 {"standing", to_json(progress.standing)},
                                 {"evaluated_step", progress.evaluated_step},
                                 {"data_state", progress.data_state}};
  if (progress.scheduled) json["scheduled"] = to_json(*progress.scheduled);
  return json;
}

void require(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

int64_t count_of(const nlohmann::json& json, const char* key, int64_t least = 0) {
  const auto found = json.find(key);
  require(found != json.end() && found->is_number_integer() && found->get<int64_t>() >= least, key);
  return found->get<int64_t>();
}

double number_of(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  require(found != json.end() && found->is_number(), key);
  return found->get<double>();
}

Standing standing_of(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  require(found != json.end() && found->is_object(), key);
  Standing standing;
  standing.best_step = count_of(*found, "best_step");
  standing.evaluations_since_best = count_of(*found, "evaluations_since_best");
  if (found->contains("best")) standing.best = number_of(*found, "best");
  return standing;
}

/// Throws std::runtime_error with the name of what is missing or no such thing.
Progress parse_progress(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  require(json.is_object(), "not a JSON object");
  require(count_of(json, "version") == kVersion, "version");
  Progress progress;
  progress.step = count_of(json, "step");
  progress.elapsed_s = number_of(json, "elapsed_s");
  progress.standing = standing_of(json, "standing");
  progress.evaluated_step = count_of(json, "evaluated_step", -1);
  if (json.contains("scheduled")) progress.scheduled = standing_of(json, "scheduled");
  const auto place = json.find("data_state");
  require(place != json.end() && place->is_string(), "data_state");
  progress.data_state = place->get<std::string>();
  return progress;
}

Progress read_progress(const fs::path& path) {
  const std::string text = read_file(path);
  try {
    return parse_progress(text);
  } catch (const std::exception& e) {
    throw std::runtime_error(damaged_state(path, e.what()));
  }
}

}  // namespace

std::string damaged_state(const fs::path& path, const std::string& what) {
  return fmt::format(
      "'{}' is damaged or of another version ({}); resume an older checkpoint: point the run "
      "folder's link 'last' at one",
      path.string(), what);
}

void save_trainer_state(const fs::path& folder, const Progress& progress, const AdamW& optimizer,
                        const LossScaler& scaler, const WeightAverage& average,
                        const torch::nn::Module& module) {
  Tensors tensors;
  put(tensors, "optimizer.", optimizer.state());
  put(tensors, "random.", random_state());
  if (scaler.state().defined()) tensors["scaler.state"] = scaler.state();
  if (average.enabled()) {
    put(tensors, "average.", average.state());
    put(tensors, "weights.", weights_of(module));
  }
  fs::create_directories(folder / "trainer_state");
  write_safetensors(folder / "trainer_state" / "tensors.safetensors", tensors);

  write_file(progress_file(folder), to_json(progress).dump(1) + "\n");
}

Progress load_trainer_state(const fs::path& folder, AdamW& optimizer, LossScaler& scaler,
                            WeightAverage& average, torch::nn::Module& module) {
  const Progress progress = read_progress(progress_file(folder));
  const SafetensorsReader tensors(folder / "trainer_state" / "tensors.safetensors");
  optimizer.restore(take(tensors, "optimizer."));
  if (tensors.contains("scaler.state")) scaler.restore(tensors.tensor("scaler.state"));
  if (average.enabled()) {
    const torch::NoGradGuard no_grad;
    average.restore(take(tensors, "average."));
    const auto weights = take(tensors, "weights.");
    for (auto& item : module.named_parameters()) {
      if (const auto found = weights.find(item.key()); found != weights.end())
        item.value().copy_(found->second);
    }
  }
  restore_random_state(take(tensors, "random."));
  return progress;
}

}  // namespace zoo
