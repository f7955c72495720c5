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

constexpr int kVersion = 1;

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

}  // namespace

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

  nlohmann::ordered_json json = {{"version", kVersion},
                                 {"step", progress.step},
                                 {"elapsed_s", progress.elapsed_s},
                                 {"best_step", progress.best_step},
                                 {"evaluations_since_best", progress.evaluations_since_best},
                                 {"data_state", progress.data_state}};
  if (progress.best) json["best"] = *progress.best;
  write_file(folder / "trainer_state" / "progress.json", json.dump(1) + "\n");
}

Progress load_trainer_state(const fs::path& folder, AdamW& optimizer, LossScaler& scaler,
                            WeightAverage& average, torch::nn::Module& module) {
  const auto path = folder / "trainer_state" / "progress.json";
  const auto json = nlohmann::json::parse(read_file(path), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || json.value("version", 0) != kVersion) {
    throw std::runtime_error(
        fmt::format("'{}' is damaged or of another version; resume an older checkpoint: point the "
                    "run folder's link 'last' at one",
                    path.string()));
  }
  Progress progress;
  try {
    progress.step = json.at("step");
    progress.elapsed_s = json.at("elapsed_s");
    progress.best_step = json.at("best_step");
    progress.evaluations_since_best = json.at("evaluations_since_best");
    progress.data_state = json.at("data_state");
    if (json.contains("best")) progress.best = json.at("best").get<double>();
  } catch (const nlohmann::json::exception& e) {
    throw std::runtime_error(fmt::format("'{}' is damaged: {}", path.string(), e.what()));
  }
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
