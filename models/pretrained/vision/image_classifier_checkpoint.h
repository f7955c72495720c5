// Checkpoint folders of whatever says what an image shows: ViT and DeiT as Python's `transformers`
// has them, and the models that no Python library has, whose layout is ours.
#pragma once
#include <torch/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/named_enum.h"
#include "models/vision/image_classifier.h"

namespace zoo {

/// config.json's model_type.
enum class ImageModelType { kVit, kDeit, kZooVit, kZooCnn, kZooCct, kZooLinear };
template <>
struct EnumNames<ImageModelType> {
  static constexpr std::string_view what = "model type";
  static constexpr std::pair<ImageModelType, std::string_view> values[] = {
      {ImageModelType::kVit, "vit"},        {ImageModelType::kDeit, "deit"},
      {ImageModelType::kZooVit, "zoo_vit"}, {ImageModelType::kZooCnn, "zoo_cnn"},
      {ImageModelType::kZooCct, "zoo_cct"}, {ImageModelType::kZooLinear, "zoo_linear"}};
};

/// Reads config.json. Throws std::runtime_error with one line that begins with its path.
ImageModelType read_image_model_type(const std::filesystem::path& folder);

struct LoadImageClassifierOptions {
  torch::Device device = torch::kCPU;
  std::string attention = {};  ///< kernel, of models that attend; empty: the one of training
};

struct LoadedImageClassifier {
  std::shared_ptr<ImageClassifier> model;  ///< in evaluation mode
  std::vector<std::string> labels;         ///< by class
};

/// The model of a folder. Throws std::runtime_error with one line, also for an encoder that has no
/// classes.
LoadedImageClassifier load_image_classifier(const std::filesystem::path& folder,
                                            const LoadImageClassifierOptions& options = {});
/// Only the weights, into a model that stands.
void load_image_classifier_weights(ImageClassifier& model, const std::filesystem::path& folder);

/// Writes config.json and model.safetensors into an existing folder. `labels` name the classes,
/// LABEL_0 and so on where there are none.
void save_image_classifier(const ImageClassifier& model, const std::filesystem::path& folder,
                           std::vector<std::string> labels = {});

}  // namespace zoo
