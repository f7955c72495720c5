// From train_vit's options to pictures and a model.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "train/program/family.h"
#include "train/vision/image_model.h"
#include "train/vision/vit_task.h"

namespace zoo {

/// Which pictures, and what is done to them.
struct ImageDataOptions {
  std::string data = "data/mnist";
  double validation_share = 0.1;
  double train_fraction = 1.0;
  ImageTaskOptions task = {};  // the seed is the trainer's
};

template <class Visitor>
void visit(ImageDataOptions& o, Visitor&& v) {
  auto& b = o.task.batches;
  v("data", o.data,
    "IDX or CIFAR files, class folders of PNG and JPEG, an .npz file or .npy files");
  v("validation-share", o.validation_share,
    "Share of each class to measure with, where the data has no part of its own for it");
  v("train-fraction", o.train_fraction, "Train on this share of the training pictures only");
  v("batch-size", b.batch, "Pictures of a micro-batch");
  v("loader-threads", b.threads, "Threads that make batches ahead (0: none)");
  visit(b.augment, v);
  v("mixup", b.mixup, "Mix pairs of pictures; alpha of their shares' distribution (0: none)");
  v("cutmix", b.cutmix, "Paste parts of pictures into others; alpha (0: none)");
  v("label-smoothing", o.task.label_smoothing,
    "Share of the target's probability spread over the classes");
}

struct ImageRunOptions {
  ImageModelOptions model;
  ImageDataOptions images;
  TrainOptions train;
};

/// train_vit, for run_training().
class VitTraining final : public Family {
 public:
  std::string name() const override { return "vit"; }
  std::string description() const override;
  void declare(CLI::App& app) override;
  void apply_preset(const std::string& preset) override;
  void resolve(const TrainCommand& command) override;
  const TrainOptions& train_options() const override { return options_.train; }
  void prepare() override;
  std::unique_ptr<Task> make_task(const TrainCommand& command,
                                  const std::filesystem::path& new_run) override;
  Facts facts() const override { return facts_; }
  std::function<void(torch::nn::Module&, double)> gradient_dump(
      const std::filesystem::path& file) const override;

 private:
  void take_model(const TrainCommand& command);
  ImageDataSet read_data() const;
  ImagePreprocessing preprocessing_for(const TrainCommand& command, const ImageDataSet& data) const;
  std::shared_ptr<ImageClassifier> make_model(const TrainCommand& command, int64_t classes) const;

  ImageRunOptions options_;
  std::optional<int64_t> classes_;  // of the checkpoint that the model comes from
  bool share_was_asked_ = false;    // the user named another --validation-share than the usual
  std::optional<ImageDataSet> data_;
  std::shared_ptr<ImageClassifier> model_;  // the task's
  Facts facts_;
};

}  // namespace zoo
