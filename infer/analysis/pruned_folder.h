// A model with heads removed as a checkpoint folder of its own, and what the removal changed.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "infer/analysis/head_examples.h"
#include "infer/analysis/looked_at.h"

namespace zoo {

struct ModelMeasure {
  int64_t heads = 0, parameters = 0;
  std::optional<double> loss = {}, seconds = {};  ///< of the task's examples; unset without a task
};

/// `seconds`: one pass forward over all examples, the median of several.
ModelMeasure measure_model(torch::nn::Module& model, const HeadTask* task);

/// Throws std::runtime_error, one line, if there is anything but an empty folder.
void require_new_folder(const std::filesystem::path& folder);

/// Writes the opened model, in the number type of the folder that it is from, with that folder's
/// other files (tokenizer, preprocessing, generation), but no trainer state. No half-written folder
/// is left. Converts the model.
void write_pruned_folder(const std::filesystem::path& folder, const OpenedInput& opened,
                         const std::filesystem::path& from);

}  // namespace zoo
