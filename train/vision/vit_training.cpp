#include "train/vision/vit_training.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "app/cli.h"
#include "base/note.h"
#include "base/option_checks.h"
#include "base/usage_error.h"
#include "models/pretrained/registry/model_registry.h"
#include "models/pretrained/vision/image_classifier_checkpoint.h"
#include "train/data/images/image_data.h"
#include "train/program/checkpoint_shape.h"
#include "train/program/usage.h"

namespace zoo {
namespace fs = std::filesystem;
namespace {

int64_t width_of(const VitOptions& o) { return o.image_width > 0 ? o.image_width : o.image_size; }

std::string description_of(const LabelledImages& images) {
  if (images.size() == 0) return "none";
  return fmt::format("{} images of {} x {} x {}", images.size(), images.pixels.size(1),
                     images.pixels.size(2), images.pixels.size(3));
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

VitTraining::VitTraining()
    : Training({.family = "vit",
                .description = "Train a ViT (Dosovitskiy et al. 2020), a CCT, a residual network "
                               "or a linear model to say what pictures show.",
                .examples = {
                    "train_vit --config vit-mnist --out runs/mnist",
                    "train_vit --config vit-fashion --architecture linear --out runs/linear"}}) {}

void VitTraining::declare_options(CLI::App& app) {
  add_options(app, "Model", model_);
  add_options(app, "Data", images_);
}

// What it can learn. A new objective is a Task and a row here.

std::vector<Objective> VitTraining::objectives() {
  return {{.name = "classification",
           .what = "the class of a picture",
           .prepare = [this] { data_ = read_data(); },
           .make_task = [this](const fs::path&) { return make_classification(); }}};
}

// The model.

std::vector<AttentionUse> VitTraining::attention() const {
  if (!kind().attends) return {};
  return {
      {.kernel = model_.vit.attention, .causal = false, .dropout = model_.vit.attention_dropout}};
}

void VitTraining::take_model(const fs::path& folder) {
  const auto loaded = load_image_classifier(folder).model;
  classes_ = loaded->classes();
  take_shape(model_, options_of(*loaded), folder, command());
}

// The pictures.

ImageDataSet VitTraining::read_data() const {
  const VitOptions& shape = model_.vit;
  auto data = read_image_data(images_.data, {shape.channels, shape.image_size, width_of(shape)},
                              std::max<int64_t>(images_.task.batches.threads, 1));
  if (data.validation.size() == 0)
    hold_out(data, images_.validation.share);
  else if (command().source().empty() && command().changed("validation-share"))
    note(fmt::format("note: --validation-share changes nothing: '{}' has a validation part",
                     images_.data));
  keep_fraction(data, images_.train_fraction, train_.seed);
  if (train_.patience > 0 && data.validation.size() == 0)
    throw UsageError("--patience needs validation data: set --validation-share above 0");
  if (data.class_names.size() < 2)
    throw std::runtime_error(
        fmt::format("'{}' has one class only: there is nothing to tell apart", images_.data));
  if (classes_ && *classes_ != std::ssize(data.class_names)) {
    throw std::runtime_error(
        fmt::format("'{}' has {} classes, the model has {}; use data with "
                    "the same classes, or train a new model",
                    images_.data, data.class_names.size(), *classes_));
  }
  return data;
}

/// Pictures become as large as the model's, in one step. A trained model goes on with the values
/// that it was trained with; a new one with what its data says.
ImagePreprocessing VitTraining::preprocessing_for(const ImageDataSet& data) const {
  const VitOptions& shape = model_.vit;
  std::optional<ChannelStatistics> statistics;
  if (!command().source().empty())
    statistics = normalisation_in(command().checkpoint(), shape.channels);
  if (!statistics) statistics = channel_statistics(data.training);
  return {.height = static_cast<int>(shape.image_size),
          .width = static_cast<int>(width_of(shape)),
          .mean = statistics->mean,
          .std = statistics->std};
}

// The objective.

std::unique_ptr<Task> VitTraining::make_classification() {
  if (!data_) data_ = read_data();
  ImageDataSet data = *std::exchange(data_, std::nullopt);
  const int64_t classes = std::ssize(data.class_names);
  const auto model = build(
      [&] { return kind().make(model_, classes); },
      [](auto& made, const fs::path& folder) { load_image_classifier_weights(*made, folder); });
  add_fact("model", model_.kind);
  describe(*model, description_of(data.training), description_of(data.validation),
           image_classifier_families().of_module(*model).layout_note(*model));
  add_fact("classes", std::to_string(classes));
  add_fact("data", image_data_kind(images_.data));
  const auto preprocessing = preprocessing_for(data);
  ImageTaskOptions options = images_.task;
  options.batches.seed = train_.seed;
  options.batches.rank = processes().rank();
  options.batches.processes = processes().size();
  return std::make_unique<ImageClassification>(model, std::move(data), preprocessing, options);
}

// Which options fit together.

void VitTraining::check_options() const {
  kind();  // throws for an unknown one
  check(images_.validation);
  require_option(images_.train_fraction > 0.0 && images_.train_fraction <= 1.0, "train-fraction",
                 images_.train_fraction, "in (0, 1]");
  require_probability("label-smoothing", images_.task.label_smoothing);
  check(images_.task.batches);
}

void VitTraining::settle_options() {
  if (images_.task.batches.augment.rand_augment == 0)
    note_changed(command(), {"magnitude"}, "without --rand-augment");
}

void VitTraining::check_model() {
  settle_kind(model_, command());
  const VitOptions& o = model_.vit;
  require_option(o.channels == 1 || o.channels == 3, "channels", o.channels, "1 or 3");
  require_option(o.image_size <= 4096, "image-size", o.image_size, "4096 or less");
  require_option(o.image_width <= 4096, "image-width", o.image_width, "4096 or less");
  kind().check(model_);
}

}  // namespace zoo
