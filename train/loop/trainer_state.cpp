#include "train/loop/trainer_state.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/files.h"
#include "models/pretrained/format/safetensors.h"
#include "train/loop/checkpoint_manifest.h"
#include "train/loop/random_state.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

// 3: with a manifest. 2, from before, lacks it and the newer keys of progress.json.
constexpr int kVersion = 3, kWithoutManifest = 2;
constexpr const char* kTensors = "trainer_state/tensors.safetensors";
constexpr const char* kCarried = "carried.";
constexpr const char* kProgress = "trainer_state/progress.json";

using Tensors = std::map<std::string, torch::Tensor>;

void put(Tensors& into, const std::string& prefix, const Tensors& from) {
  for (const auto& [name, tensor] : from) into[prefix + name] = tensor;
}

Tensors take(const Tensors& from, const std::string& prefix) {
  Tensors tensors;
  for (const auto& [name, tensor] : from)
    if (name.starts_with(prefix)) tensors[name.substr(prefix.size())] = tensor;
  return tensors;
}

Tensors weights_of(const torch::nn::Module& module) {
  Tensors weights;
  for (const auto& item : module.named_parameters()) weights[item.key()] = item.value().detach();
  return weights;
}

/// Everything that a checkpoint keeps as tensors, by its name there.
Tensors state_of(const Tensors& optimizer, const LossScaler& scaler, const WeightAverage& average,
                 const torch::nn::Module& module) {
  Tensors tensors;
  put(tensors, "optimizer.", optimizer);
  put(tensors, "random.", random_state());
  if (scaler.state().defined()) tensors["scaler.state"] = scaler.state();
  if (average.enabled()) {
    put(tensors, "average.", average.state());
    put(tensors, "weights.", weights_of(module));
  }
  return tensors;
}

/// A run on a CPU may come from a machine with a GPU, and go on to one.
bool may_differ(const std::string& name, const torch::nn::Module& module) {
  const auto parameters = module.parameters();
  const bool on_gpu = !parameters.empty() && parameters.front().is_cuda();
  return name == "random.cuda" && !on_gpu;
}

/// The file's tensors. Throws std::runtime_error unless they are as `wanted`, value apart, and what
/// the task carries: that it checks itself.
Tensors read_tensors(const fs::path& file, const Tensors& wanted, const torch::nn::Module& module) {
  const SafetensorsReader reader(file);
  for (const auto& [name, tensor] : wanted) {
    if (!reader.contains(name)) {
      if (may_differ(name, module)) continue;
      throw std::runtime_error(fmt::format("'{}' is missing", name));
    }
    const TensorEntry& found = reader.entry(name);
    if (found.dtype != tensor.scalar_type() || found.shape != tensor.sizes().vec()) {
      throw std::runtime_error(fmt::format(
          "'{}' is {} {}, this run's is {} {}", name, safetensors_dtype_name(found.dtype),
          shape_text(found.shape), safetensors_dtype_name(tensor.scalar_type()),
          shape_text(tensor.sizes().vec())));
    }
  }
  Tensors tensors;
  for (const auto& name : reader.names()) {
    if (!wanted.contains(name) && !may_differ(name, module) && !name.starts_with(kCarried))
      throw std::runtime_error(fmt::format("this run has no use for '{}'", name));
    tensors[name] = reader.tensor(name).clone();
  }
  return tensors;
}

nlohmann::ordered_json to_json(const BestEvaluation& best) {
  nlohmann::ordered_json json = {{"best_step", best.step},
                                 {"evaluations_since_best", best.evaluations_since}};
  if (best.value) json["best"] = *best.value;
  return json;
}

nlohmann::ordered_json to_json(const Progress& progress) {
  nlohmann::ordered_json json = {{"version", kVersion},
                                 {"step", progress.step},
                                 {"elapsed_s", progress.elapsed_s},
                                 {"standing", to_json(progress.best)},
                                 {"evaluated_step", progress.evaluated_step},
                                 {"data_state", progress.data_state},
                                 {"passed_over", progress.skipped_batches},
                                 {"threads", progress.threads},
                                 {"device", progress.device}};
  if (!progress.data_fingerprint.empty()) json["data_fingerprint"] = progress.data_fingerprint;
  if (progress.scheduled_best) json["scheduled"] = to_json(*progress.scheduled_best);
  if (progress.replaces) json["replaces"] = *progress.replaces;
  if (progress.metrics_lines) json["metrics_lines"] = *progress.metrics_lines;
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

std::optional<int64_t> count_if_there(const nlohmann::json& json, const char* key) {
  return json.contains(key) ? std::optional(count_of(json, key)) : std::nullopt;
}

std::string text_of(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  require(found != json.end() && found->is_string(), key);
  return found->get<std::string>();
}

double number_of(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  require(found != json.end() && found->is_number(), key);
  return found->get<double>();
}

BestEvaluation best_of(const nlohmann::json& json, const char* key) {
  const auto found = json.find(key);
  require(found != json.end() && found->is_object(), key);
  BestEvaluation best;
  best.step = count_of(*found, "best_step");
  best.evaluations_since = count_of(*found, "evaluations_since_best");
  if (found->contains("best")) best.value = number_of(*found, "best");
  return best;
}

struct ReadProgress {
  Progress progress;
  int64_t version = kVersion;
};

/// Throws std::runtime_error with the name of what is missing or no such thing.
ReadProgress parse_progress(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  require(json.is_object(), "not a JSON object");
  const int64_t version = count_of(json, "version");
  require(version == kVersion || version == kWithoutManifest, "version");
  Progress progress;
  progress.step = count_of(json, "step");
  progress.elapsed_s = number_of(json, "elapsed_s");
  progress.best = best_of(json, "standing");
  progress.evaluated_step = count_of(json, "evaluated_step", -1);
  if (json.contains("scheduled")) progress.scheduled_best = best_of(json, "scheduled");
  progress.data_state = text_of(json, "data_state");
  if (json.contains("data_fingerprint"))
    progress.data_fingerprint = text_of(json, "data_fingerprint");
  progress.replaces = count_if_there(json, "replaces");
  progress.metrics_lines = count_if_there(json, "metrics_lines");
  if (version == kVersion) {
    progress.skipped_batches = count_of(json, "passed_over");
    progress.threads = count_of(json, "threads");
    progress.device = text_of(json, "device");
  }
  return {progress, version};
}

}  // namespace

void save_trainer_state(const fs::path& folder, const Progress& progress,
                        const Tensors& optimizer_state, const LossScaler& scaler,
                        const WeightAverage& average, const torch::nn::Module& module,
                        const Tensors& carried) {
  fs::create_directories(folder / "trainer_state");
  Tensors tensors = state_of(optimizer_state, scaler, average, module);
  put(tensors, kCarried, carried);
  write_safetensors(folder / kTensors, tensors);
  write_file(folder / kProgress, to_json(progress).dump(1) + "\n");
  write_manifest(folder);
}

Progress check_checkpoint(const fs::path& folder, int64_t step) {
  try {
    const auto [progress, version] = parse_progress(read_file(folder / kProgress));
    if (progress.step != step) {
      throw std::runtime_error(fmt::format("its step is {}, its folder's {}", progress.step, step));
    }
    if (version == kVersion && !has_manifest(folder))
      throw std::runtime_error("there is no manifest.json beside it");
    if (has_manifest(folder)) check_manifest(folder);
    return progress;
  } catch (const DamagedCheckpoint&) {
    throw;
  } catch (const std::exception& e) {
    throw DamagedCheckpoint(folder, kProgress, e.what());
  }
}

Tensors load_trainer_state(const fs::path& folder, AdamW& optimizer, LossScaler& scaler,
                           WeightAverage& average, torch::nn::Module& module) {
  try {
    const Tensors tensors = read_tensors(
        folder / kTensors, state_of(optimizer.state(), scaler, average, module), module);
    restore_random_state(take(tensors, "random."));  // the one that may still refuse
    optimizer.restore(take(tensors, "optimizer."));
    if (const auto found = tensors.find("scaler.state"); found != tensors.end())
      scaler.restore(found->second);
    Tensors carried = take(tensors, kCarried);
    if (!average.enabled()) return carried;
    const torch::NoGradGuard no_grad;
    average.restore(take(tensors, "average."));
    const auto weights = take(tensors, "weights.");
    for (auto& item : module.named_parameters()) item.value().copy_(weights.at(item.key()));
    return carried;
  } catch (const std::runtime_error& e) {
    throw DamagedCheckpoint(folder, kTensors, e.what());
  }
}

}  // namespace zoo
