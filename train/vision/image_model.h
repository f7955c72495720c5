// The image classifiers of train_vit: a table with a row for each value of --architecture, and the
// options of all of them under one set of flags.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/cost/cost.h"
#include "models/pretrained/format/name_map.h"
#include "models/vision/cct.h"
#include "models/vision/cnn.h"
#include "models/vision/image_classifier.h"
#include "models/vision/linear_classifier.h"
#include "models/vision/vit.h"
#include "train/program/train_command.h"

namespace zoo {

/// The options of a ViT, which the others share in part, and the options that only the others have.
struct ImageModelOptions {
  std::string kind = "vit";
  VitOptions vit = {};
  int64_t convolutions = CctOptions().convolutions;
  int64_t kernel = CctOptions().kernel;
  int64_t blocks = CnnOptions().blocks;
  int64_t width = CnnOptions().width;
};

/// "vit, cct, ..."
std::string image_model_names();

template <class Visitor>
void visit(ImageModelOptions& o, Visitor&& v) {
  v("architecture", o.kind, "What the classifier is made of: " + image_model_names());
  visit(o.vit, v);
  v("convolutions", o.convolutions, "cct: convolutions of the tokenizer, each with a pooling");
  v("kernel", o.kernel, "cct: their size, odd");
  v("blocks", o.blocks, "cnn: blocks of each of the three stages");
  v("width", o.width, "cnn: channels of the first stage");
}

/// A row of the table. A new kind of model is a row, and its own options in ImageModelOptions.
struct ImageModel {
  std::string_view name;
  /// The flags that it supports.
  std::vector<std::string> options = {};
  bool attends = false;
  /// Its own defaults.
  std::function<ImageModelOptions()> defaults = {};
  /// Throws std::invalid_argument for impossible values.
  std::function<void(const ImageModelOptions&)> check = {};
  /// Replaces zeros by the values that they stand for.
  std::function<ImageModelOptions(const ImageModelOptions&)> resolved = {};
  std::function<ModelCost(const ImageModelOptions&)> cost = {};
  std::function<std::shared_ptr<ImageClassifier>(const ImageModelOptions&, int64_t classes)> make =
      {};
  /// The options of a model of this kind; nothing for another kind.
  std::function<std::optional<ImageModelOptions>(const ImageClassifier&)> options_of = {};
  /// The names of its parameters in checkpoints.
  std::function<NameMap(const ImageModelOptions&)> names_on_disk = {};
};

const std::vector<ImageModel>& image_models();

/// Throws std::invalid_argument that lists the known names.
const ImageModel& find_image_model(std::string_view name);

/// A published size of any kind; throws std::invalid_argument with the known names.
ImageModelOptions image_model_preset(std::string_view name);

/// Sets a kind's own defaults where neither a preset nor a flag sets a value. Throws UsageError for
/// options that it does not support.
void settle_kind(ImageModelOptions& options, const TrainCommand& command);

/// As ImageModel::resolved.
ImageModelOptions resolved(const ImageModelOptions& options);

/// The options that `model` was made with.
ImageModelOptions options_of(const ImageClassifier& model);

}  // namespace zoo
