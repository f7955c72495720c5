// train_vit: its options and objectives.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "train/program/training.h"
#include "train/program/validation.h"
#include "train/vision/image_model.h"
#include "train/vision/vit_task.h"

namespace zoo {

/// The images, and their preprocessing.
struct ImageDataOptions {
  std::string data = "data/mnist";
  ValidationShare validation = {.of = "each class, where the data has no validation part,"};
  double train_fraction = 1.0;
  ImageTaskOptions task = {};  // the seed is the trainer's
};

template <class Visitor>
void visit(ImageDataOptions& o, Visitor&& v) {
  auto& b = o.task.batches;
  v("data", o.data,
    "IDX or CIFAR files, class folders of PNG and JPEG, an .npz file or .npy files");
  visit(o.validation, v);
  v("train-fraction", o.train_fraction, "Train on this share of the training pictures only");
  v("batch-size", b.batch, "Pictures of a micro-batch");
  v("loader-threads", b.threads, "Threads that prepare batches in advance (0: none)");
  visit(b.augment, v);
  v("mixup", b.mixup,
    "Mix pairs of pictures; alpha of the Beta distribution of their shares (0: none)");
  v("cutmix", b.cutmix, "Paste parts of pictures into others; alpha, as for --mixup (0: none)");
  v("label-smoothing", o.task.label_smoothing,
    "Share of the target's probability spread over the classes");
}

class VitTraining final : public Training {
 public:
  VitTraining();
  void apply_preset(const std::string& preset) override { model_ = image_model_preset(preset); }

 private:
  void declare_options(CLI::App& app) override;
  std::vector<Objective> objectives() override;
  void check_options() const override;
  std::vector<AttentionUse> attention() const override;
  int64_t& batch() override { return images_.task.batches.batch; }
  void settle_options() override;
  void take_model(const std::filesystem::path& folder) override;
  void check_model() override;
  ModelCost cost() const override { return kind().cost(model_); }
  NameMap names_on_disk() const override { return kind().names_on_disk(model_); }

  const ImageModel& kind() const { return find_image_model(model_.kind); }
  ImageDataSet read_data() const;
  ImagePreprocessing preprocessing_for(const ImageDataSet& data) const;
  std::unique_ptr<Task> make_classification();

  ImageModelOptions model_;
  ImageDataOptions images_;
  std::optional<int64_t> classes_;  // of the checkpoint that the model comes from
  std::optional<ImageDataSet> data_;
};

}  // namespace zoo
