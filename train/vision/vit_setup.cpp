// The order of checks: what the command line alone can get wrong comes first, then the pictures,
// then the model.
#include "train/vision/vit_setup.h"

#include <fmt/format.h>

#include <optional>
#include <stdexcept>
#include <utility>

#include "app/cli.h"
#include "base/note.h"
#include "base/option_checks.h"
#include "base/usage_error.h"
#include "models/device.h"
#include "models/pretrained/vision/image_classifier_checkpoint.h"
#include "models/pretrained/vision/vit_checkpoint.h"
#include "train/data/images/image_data.h"
#include "train/program/model_memory.h"
#include "train/program/setup.h"
#include "train/run/run_folder.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

void check(const ImageDataOptions& o) {
  const auto& b = o.task.batches;
  require_option(o.validation_share >= 0.0 && o.validation_share < 1.0, "validation-share",
                 o.validation_share, "in [0, 1)");
  require_option(o.train_fraction > 0.0 && o.train_fraction <= 1.0, "train-fraction",
                 o.train_fraction, "in (0, 1]");
  require_option(o.task.label_smoothing >= 0.0 && o.task.label_smoothing < 1.0, "label-smoothing",
                 o.task.label_smoothing, "in [0, 1)");
  check(b);
}

bool attends(const ImageModelOptions& o) {
  return o.kind == ImageModelKind::kVit || o.kind == ImageModelKind::kCct;
}

int64_t width_of(const VitOptions& o) { return o.image_width > 0 ? o.image_width : o.image_size; }

void check_pictures(const VitOptions& o) {
  require_option(o.channels == 1 || o.channels == 3, "channels", o.channels, "1 or 3");
  require_option(o.image_size <= 4096, "image-size", o.image_size, "4096 or less");
  require_option(o.image_width <= 4096, "image-width", o.image_width, "4096 or less");
}

std::string describe(const LabelledImages& images) {
  if (images.size() == 0) return "none";
  return fmt::format("{} images of {} x {} x {}", images.size(), images.pixels.size(1),
                     images.pixels.size(2), images.pixels.size(3));
}

/// As make_image_model() fills in what 0 leaves open, so that sizes compare.
void fill_in(ImageModelOptions& options, const ImageModelOptions&) {
  options.vit.image_width = width_of(options.vit);
  if (options.kind == ImageModelKind::kVit) options.vit = resolved(options.vit);
  if (options.kind == ImageModelKind::kCct && options.vit.feed_forward == 0)
    options.vit.feed_forward = options.vit.d_model;
}

/// Mean and deviation of values from 0 to 1, whatever else a folder does to its pictures.
std::optional<ChannelStatistics> normalisation_in(const fs::path& folder, int64_t channels) {
  if (!preprocessing_file(folder)) return std::nullopt;
  const auto found = read_preprocessing(folder);
  const auto count = static_cast<size_t>(channels);
  if (!found.normalize && !found.rescale) return std::nullopt;
  ChannelStatistics statistics{std::vector<double>(count, 0.0), std::vector<double>(count, 1.0)};
  if (found.normalize) {
    if (found.mean.size() != count || found.std.size() != count) return std::nullopt;
    statistics = {found.mean, found.std};
  }
  const double scale = 255.0 * (found.rescale ? found.rescale_factor : 1.0);
  for (size_t c = 0; c < count; ++c) {
    statistics.mean[c] /= scale;
    statistics.std[c] /= scale;
  }
  return statistics;
}

}  // namespace

std::string VitTraining::description() const {
  return "Train a ViT (Dosovitskiy et al. 2020), a CCT, a residual network or a linear model to "
         "say what pictures show.";
}

void VitTraining::declare(CLI::App& app) {
  add_options(app, "Model", options_.model);
  add_options(app, "Data", options_.images);
  add_options(app, "Training", options_.train);
}

void VitTraining::apply_preset(const std::string& preset) {
  options_.model = image_model_preset(preset);
}

void VitTraining::take_model(const TrainCommand& command) {
  const fs::path folder = shape_source(command);
  const auto loaded = load_image_classifier(folder).model;
  classes_ = loaded->classes();
  take_shape(options_.model, options_of(*loaded), folder, command, fill_in);
}

void VitTraining::resolve(const TrainCommand& command) {
  auto& o = options_;
  check_usage([&] {
    check(o.train);
    check(o.images);
    if (attends(o.model)) {
      check_kernel(o.model.vit.attention, /*causal=*/false, o.model.vit.attention_dropout,
                   find_device(o.train.device));
    }
  });
  note_unused(o.train, command);
  settle_length(o.train, command);
  share_was_asked_ = command.source().empty() && command.has("validation-share") &&
                     o.images.validation_share != ImageDataOptions().validation_share;
  if (o.images.task.batches.augment.rand_augment == 0)
    note_changed(command, o.images, {"magnitude"}, "without --rand-augment");
  if (!command.source().empty()) take_model(command);
  settle_kind(o.model, command);
  check_usage([&] {
    check_pictures(o.model.vit);
    check(o.model);
  });
  check_memory(need_of(o.model), o.train, command);
}

ImageDataSet VitTraining::read_data() const {
  const VitOptions& shape = options_.model.vit;
  const ImageDataOptions& o = options_.images;
  auto data = read_image_data(o.data, {shape.channels, shape.image_size, width_of(shape)},
                              std::max<int64_t>(o.task.batches.threads, 1));
  if (data.validation.size() == 0)
    hold_out(data, o.validation_share);
  else if (share_was_asked_)
    note(fmt::format("note: --validation-share changes nothing: '{}' has pictures to measure with",
                     o.data));
  keep_fraction(data, o.train_fraction, options_.train.seed);
  if (options_.train.patience > 0 && data.validation.size() == 0)
    throw UsageError("--patience needs pictures to measure with: set --validation-share above 0");
  if (data.class_names.size() < 2)
    throw std::runtime_error(
        fmt::format("'{}' has one class only: there is nothing to tell apart", o.data));
  if (classes_ && *classes_ != std::ssize(data.class_names)) {
    throw std::runtime_error(
        fmt::format("'{}' has {} classes, the model has {}; use data with "
                    "the same classes, or train a new model",
                    o.data, data.class_names.size(), *classes_));
  }
  return data;
}

void VitTraining::prepare() { data_ = read_data(); }

/// Pictures become as large as the model's, in one step. A trained model goes on with the values
/// that it was trained with; a new one with what its data says.
ImagePreprocessing VitTraining::preprocessing_for(const TrainCommand& command,
                                                  const ImageDataSet& data) const {
  const VitOptions& shape = options_.model.vit;
  std::optional<ChannelStatistics> statistics;
  if (!command.source().empty())
    statistics = normalisation_in(shape_source(command), shape.channels);
  if (!statistics) statistics = channel_statistics(data.training);
  return {.height = static_cast<int>(shape.image_size),
          .width = static_cast<int>(width_of(shape)),
          .mean = statistics->mean,
          .std = statistics->std};
}

std::shared_ptr<ImageClassifier> VitTraining::make_model(const TrainCommand& command,
                                                         int64_t classes) const {
  set_threads(options_.train.threads);
  const auto device = find_device(options_.train.device);
  torch::manual_seed(options_.train.seed);
  auto model = make_image_model(options_.model, classes);
  // A resumed run's weights come with its state.
  if (command.resume.empty() && !command.source().empty())
    load_image_classifier_weights(*model, checkpoint_of(command.source()));
  model->to(device);
  return model;
}

std::unique_ptr<Task> VitTraining::make_task(const TrainCommand& command, const fs::path&) {
  if (!data_) data_ = read_data();
  ImageDataSet data = *std::exchange(data_, std::nullopt);
  model_ = make_model(command, std::ssize(data.class_names));
  const auto preprocessing = preprocessing_for(command, data);
  facts_ = {{"model", std::string(name_of(options_.model.kind))},
            {"parameters", parameter_count(*model_)},
            {"classes", std::to_string(data.class_names.size())},
            {"training", describe(data.training)},
            {"validation", describe(data.validation)},
            {"data", image_data_kind(options_.images.data)},
            {"device", describe_device(model_->parameters().front().device())}};
  ImageTaskOptions options = options_.images.task;
  options.batches.seed = options_.train.seed;
  return std::make_unique<ImageClassification>(model_, std::move(data), preprocessing, options);
}

std::function<void(torch::nn::Module&, double)> VitTraining::gradient_dump(
    const fs::path& file) const {
  const ImageModelOptions options = options_.model;
  const int64_t classes = model_->classes();
  // Other models' names on disk are ours.
  NameMap names{.family = std::string(name_of(options.kind)), .rows = {}};
  if (const auto* vit = dynamic_cast<const VitImpl*>(model_.get()))
    names = vit_name_map(vit->options);
  return dump_gradients([=] { return make_image_model(options, classes); }, names, file);
}

}  // namespace zoo
