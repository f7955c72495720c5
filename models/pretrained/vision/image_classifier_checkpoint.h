// Checkpoint folders of whatever says what an image shows: ViT and DeiT as Python's `transformers`
// has them, and the models that no Python library has, whose layout is ours.
#pragma once
#include <torch/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "models/pretrained/format/checkpoint_folder.h"
#include "models/vision/image_classifier.h"

namespace zoo {

class ModelRegistry;

/// Adds the families of our own: model types zoo_cnn, zoo_cct, zoo_linear.
void register_image_classifiers(ModelRegistry& registry);
/// All classifiers of images.
const ModelRegistry& image_classifier_families();

struct LoadedImageClassifier {
  std::shared_ptr<ImageClassifier> model;  ///< in evaluation mode
  std::vector<std::string> labels;         ///< by class
};

/// The model of a folder. Throws std::runtime_error with one line, also for an encoder that has no
/// classes.
LoadedImageClassifier load_image_classifier(const std::filesystem::path& folder,
                                            const LoadModelOptions& options = {});
/// Only the weights, into a model that stands.
void load_image_classifier_weights(ImageClassifier& model, const std::filesystem::path& folder);

/// Writes config.json and model.safetensors into an existing folder. `labels` name the classes,
/// LABEL_0 and so on where there are none.
void save_image_classifier(const ImageClassifier& model, const std::filesystem::path& folder,
                           std::vector<std::string> labels = {});

}  // namespace zoo
