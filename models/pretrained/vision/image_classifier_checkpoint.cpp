// Classifiers of our own layout; and all classifiers as one type.
#include "models/pretrained/vision/image_classifier_checkpoint.h"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

#include "models/cost/vision_cost.h"
#include "models/pretrained/format/checkpoint.h"
#include "models/pretrained/format/labels.h"
#include "models/pretrained/registry/family_of.h"
#include "models/pretrained/registry/model_registry.h"
#include "models/pretrained/vision/vision_forward.h"
#include "models/pretrained/vision/vit_checkpoint.h"
#include "models/vision/cct.h"
#include "models/vision/cnn.h"
#include "models/vision/linear_classifier.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

/// The one layout of a model that no Python library has.
enum class OwnLayout { kZoo };

/// All options stand under "zoo", and the names on disk are ours. A Format gives kModelType and
/// kArchitecture.
template <class Format, class Model, class Options>
struct OwnImageFormat : CheckpointFormat<Model, CheckpointConfig<Options, OwnLayout>> {
  using Config = CheckpointConfig<Options, OwnLayout>;
  static Config from_json(const json& config) {
    Config result;
    read_zoo_options(config, result.options, /*needs=*/true);
    result.labels = labels_of(config);
    result.options.classes = std::ssize(result.labels);
    check(result.options);
    return result;
  }
  static json to_json(const Config& config, const std::string& dtype) {
    json result = {{"zoo", options_to_json(config.options)}};
    put_class(result, Format::kModelType, Format::kArchitecture, dtype);
    put_labels(complete_labels(config.labels, config.options.classes), result);
    return result;
  }
  static Config config_of(const Options& options) { return {.options = options}; }
  static std::string note(const Options&) {
    return fmt::format(
        "checkpoints are written as model_type {}: Python's transformers has no such model",
        Format::kModelType);
  }
  static NameMap names(const Options&) {
    return {.family = std::string(Format::kModelType), .rows = {}};
  }
  static ModelCost cost(const Options& options) { return cost_of(options); }
};

struct CnnFormat : OwnImageFormat<CnnFormat, Cnn, CnnOptions> {
  static constexpr std::string_view kModelType = "zoo_cnn", kArchitecture = "ZooCnn";
};
struct CctFormat : OwnImageFormat<CctFormat, Cct, CctOptions> {
  static constexpr std::string_view kModelType = "zoo_cct", kArchitecture = "ZooCct";
};
struct LinearFormat : OwnImageFormat<LinearFormat, LinearClassifier, LinearClassifierOptions> {
  static constexpr std::string_view kModelType = "zoo_linear", kArchitecture = "ZooLinear";
};

template <class Format>
void add_own(ModelRegistry& registry) {
  ModelFamily family = family_of<Format>();
  family.model_types = {std::string(Format::kModelType)};
  family.architectures = {std::string(Format::kArchitecture)};
  family.forward = forward_image;
  family.cost = [](const fs::path& folder, int64_t /*length*/) -> CheckpointCost {
    const auto model = load_checkpoint<Format>(folder, LoadModelOptions{});
    return {.input = fmt::format("a picture of {} x {} pixels", model->image_height(),
                                 model->image_width()),
            .cost = cost_of(model->options)};
  };
  registry.add(std::move(family));
}

}  // namespace

void register_image_classifiers(ModelRegistry& registry) {
  add_own<CnnFormat>(registry);
  add_own<CctFormat>(registry);
  add_own<LinearFormat>(registry);
}

const ModelRegistry& image_classifier_families() {
  static const ModelRegistry registry = [] {
    ModelRegistry models;
    register_vit(models);
    register_image_classifiers(models);
    return models;
  }();
  return registry;
}

LoadedImageClassifier load_image_classifier(const fs::path& folder,
                                            const LoadModelOptions& options) {
  LoadedModel loaded = image_classifier_families().of_type(folder).load(folder, options);
  auto model = std::dynamic_pointer_cast<ImageClassifier>(loaded.module);
  if (loaded.labels.empty()) {
    throw std::runtime_error(
        (folder / "config.json").string() +
        ": an encoder alone, without classes; a model for image classification is needed");
  }
  return {std::move(model), std::move(loaded.labels)};
}

void load_image_classifier_weights(ImageClassifier& model, const fs::path& folder) {
  image_classifier_families().of_module(model).load_weights(model, folder);
}

void save_image_classifier(const ImageClassifier& model, const fs::path& folder,
                           std::vector<std::string> labels) {
  image_classifier_families().of_module(model).save(model, folder, {.labels = std::move(labels)});
}

}  // namespace zoo
