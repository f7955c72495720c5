// One door for all classifiers of images; those of our own layout are read and written here.
#include "models/pretrained/vision/image_classifier_checkpoint.h"

#include "base/files.h"
#include "models/pretrained/format/checkpoint_folder.h"
#include "models/pretrained/format/config_json.h"
#include "models/pretrained/format/labels.h"
#include "models/pretrained/format/name_map.h"
#include "models/pretrained/vision/vit_checkpoint.h"
#include "models/vision/cct.h"
#include "models/vision/cnn.h"
#include "models/vision/linear_classifier.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr const char* architecture_of(ImageModelType type) {
  switch (type) {
    case ImageModelType::kZooCnn:
      return "ZooCnn";
    case ImageModelType::kZooCct:
      return "ZooCct";
    default:
      return "ZooLinear";
  }
}

// At least so many parameters do the options describe.
double claimed_parameters(const CnnOptions& o) {
  return 9.0 * double(o.width) * (double(o.channels) + double(o.width) * double(o.blocks));
}
double claimed_parameters(const CctOptions& options) {
  const CctOptions o = resolved(options);
  const double C = double(o.d_model);
  return double(o.convolutions) * double(o.kernel) +
         double(o.layers) * (4 * C * C + 2 * C * double(o.feed_forward));
}
double claimed_parameters(const LinearClassifierOptions& o) {
  const double width = o.image_width > 0 ? double(o.image_width) : double(o.image_size);
  return double(o.classes) * double(o.channels) * double(o.image_size) * width;
}

void choose_kernel(CctOptions& options, const LoadImageClassifierOptions& load) {
  options.attention = settled_kernel(load.attention, options.attention, load.device);
}
void choose_kernel(CnnOptions&, const LoadImageClassifierOptions&) {}
void choose_kernel(LinearClassifierOptions&, const LoadImageClassifierOptions&) {}

template <class Options>
void own_options_from_json(const json& config, Options& options, std::vector<std::string>& labels) {
  const auto zoo = config.find("zoo");
  if (zoo == config.end()) {
    config_fail("model_type {} needs the options under \"zoo\"",
                config_value<std::string>(config, "model_type", ""));
  }
  options_from_json(*zoo, options);
  check_size_range(options);
  labels = labels_of(config);
  options.classes = std::ssize(labels);
  check(options);
}

/// The names on disk are ours.
NameMap own_names(ImageModelType type) {
  return {.family = std::string(name_of(type)), .rows = {}};
}

template <class Module, class Options>
LoadedImageClassifier load_own(ImageModelType type, const fs::path& folder,
                               const LoadImageClassifierOptions& load) {
  Options options;
  std::vector<std::string> labels;
  read_config(folder, [&](const json& config) { own_options_from_json(config, options, labels); });
  choose_kernel(options, load);
  const SafetensorsReader reader(folder);
  check_claim(claimed_parameters(options), reader);
  auto model = build_model<Module>(options, folder);
  load_named(*model, reader, own_names(type));
  model->to(load.device);
  model->eval();
  return {model.ptr(), labels};
}

LoadedImageClassifier load_vit_classifier(const fs::path& folder,
                                          const LoadImageClassifierOptions& load) {
  const VitConfig config = read_vit_config(folder);
  if (config.options.classes == 0) {
    throw std::runtime_error(
        (folder / "config.json").string() +
        ": an encoder alone, without classes; a model for image classification is needed");
  }
  const Vit vit = load_vit(folder, {.device = load.device, .attention = load.attention});
  return {vit.ptr(), config.labels};
}

template <class Options>
void save_own(ImageModelType type, const ImageClassifier& model, const Options& options,
              const fs::path& folder, std::vector<std::string> labels) {
  json config = {{"model_type", name_of(type)},
                 {"architectures", {architecture_of(type)}},
                 {"dtype", config_dtype(model.parameters().front().scalar_type())},
                 {"zoo", options_to_json(options)}};
  put_labels(complete_labels(std::move(labels), options.classes), config);
  write_file(folder / "config.json", config.dump(2) + "\n");
  write_safetensors(folder / "model.safetensors", export_named(model, own_names(type)));
}

}  // namespace

ImageModelType read_image_model_type(const fs::path& folder) {
  ImageModelType type{};
  read_config(folder, [&](const json& config) { type = read_model_type<ImageModelType>(config); });
  return type;
}

LoadedImageClassifier load_image_classifier(const fs::path& folder,
                                            const LoadImageClassifierOptions& load) {
  const ImageModelType type = read_image_model_type(folder);
  switch (type) {
    case ImageModelType::kVit:
    case ImageModelType::kDeit:
    case ImageModelType::kZooVit:
      return load_vit_classifier(folder, load);
    case ImageModelType::kZooCnn:
      return load_own<Cnn, CnnOptions>(type, folder, load);
    case ImageModelType::kZooCct:
      return load_own<Cct, CctOptions>(type, folder, load);
    case ImageModelType::kZooLinear:
      return load_own<LinearClassifier, LinearClassifierOptions>(type, folder, load);
  }
  throw std::invalid_argument("unknown image model type");
}

void load_image_classifier_weights(ImageClassifier& model, const fs::path& folder) {
  if (auto* vit = dynamic_cast<VitImpl*>(&model)) return load_vit_weights(*vit, folder);
  load_named(model, SafetensorsReader(folder), own_names(read_image_model_type(folder)));
}

void save_image_classifier(const ImageClassifier& model, const fs::path& folder,
                           std::vector<std::string> labels) {
  if (const auto* vit = dynamic_cast<const VitImpl*>(&model))
    return save_vit(*vit, folder, std::move(labels));
  if (const auto* cnn = dynamic_cast<const CnnImpl*>(&model))
    return save_own(ImageModelType::kZooCnn, model, cnn->options, folder, std::move(labels));
  if (const auto* cct = dynamic_cast<const CctImpl*>(&model))
    return save_own(ImageModelType::kZooCct, model, cct->options, folder, std::move(labels));
  if (const auto* linear = dynamic_cast<const LinearClassifierImpl*>(&model))
    return save_own(ImageModelType::kZooLinear, model, linear->options, folder, std::move(labels));
  throw std::invalid_argument("save_image_classifier: a kind of model without a layout on disk");
}

}  // namespace zoo
