// Copies what stands beside the weights, and measures.
#include "infer/analysis/pruned_folder.h"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <system_error>

#include "base/files.h"
#include "base/text_table.h"
#include "infer/analysis/head_removal.h"
#include "models/pretrained/all_models.h"
#include "models/pretrained/format/config_json.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

double forward_seconds(const HeadTask& task) {
  using Clock = std::chrono::steady_clock;
  constexpr int kWarm = 2, kLeast = 5, kMost = 200;
  constexpr double kLong = 1.0;  // seconds of measuring
  std::vector<double> seconds;
  double sum = 0;
  for (int n = -kWarm; n < kLeast || (n < kMost && sum < kLong); ++n) {
    const auto began = Clock::now();
    mean_loss(task.examples);
    const double took = std::chrono::duration<double>(Clock::now() - began).count();
    if (n < 0) continue;
    seconds.push_back(took);
    sum += took;
  }
  return median(std::move(seconds));
}

/// Where a run's files lie; else the folder itself.
fs::path files_of(const fs::path& folder) {
  if (!fs::exists(folder / "run.toml")) return folder;
  return fs::canonical(folder / "config.json").parent_path();
}

/// Weights and their description are written anew; a run's state belongs to the whole model.
bool stays_behind(const fs::path& name) {
  const std::string text = name.string();
  if (text == "config.json" || text == "trainer_state" || text.starts_with(".")) return true;
  for (const char* end : {".safetensors", ".index.json", ".bin", ".pt", ".h5", ".msgpack"})
    if (text.ends_with(end)) return true;
  return false;
}

void copy_files(const fs::path& from, const fs::path& to) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(from, error)) {
    if (error || stays_behind(entry.path().filename())) continue;
    fs::copy(fs::canonical(entry.path(), error), to / entry.path().filename(),
             fs::copy_options::recursive, error);
    if (error) break;
  }
  if (error)
    throw std::runtime_error(
        fmt::format("cannot copy the files of '{}': {}", from.string(), error.message()));
}

/// config.json's; a CLIP has them in the part of its text.
SpecialIds ids_in(const fs::path& folder) {
  SpecialIds ids;
  read_config(folder, [&](const nlohmann::json& config) {
    const auto text = config.find("text_config");
    ids = special_ids(text != config.end() && text->is_object() ? *text : config);
  });
  return ids;
}

torch::Dtype dtype_in(const fs::path& folder) {
  const SafetensorsReader reader(folder);
  for (const auto& name : reader.names())
    if (const auto dtype = reader.entry(name).dtype; c10::isFloatingType(dtype)) return dtype;
  return torch::kFloat;
}

}  // namespace

ModelMeasure measure_model(torch::nn::Module& model, const HeadTask* task) {
  ModelMeasure measure;
  for (const auto& stack : prunable_stacks(model))
    for (const auto* layer : stack.layers) measure.heads += layer->options.heads;
  for (const auto& parameter : model.parameters()) measure.parameters += parameter.numel();
  if (task == nullptr) return measure;
  measure.loss = mean_loss(task->examples);
  measure.seconds = forward_seconds(*task);
  return measure;
}

void require_new_folder(const fs::path& folder) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(folder, error))) return;
  if (fs::is_directory(folder, error) && fs::is_empty(folder, error) && !error) return;
  throw std::runtime_error(
      fmt::format("there is already something in '{}'; name a new folder", folder.string()));
}

void write_pruned_folder(const fs::path& folder, const OpenedInput& opened, const fs::path& from) {
  require_new_folder(folder);
  const SaveModelOptions save{.ids = ids_in(from), .labels = opened.labels};
  opened.model->to(dtype_in(from));
  write_folder(folder, [&](const fs::path& unfinished) {
    copy_files(files_of(from), unfinished);
    all_models().of_module(*opened.model).save(*opened.model, unfinished, save);
  });
}

}  // namespace zoo
