// Image classification: cross-entropy over classes. The task of train_vit for all its models.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "models/images/preprocess.h"
#include "models/vision/image_classifier.h"
#include "train/data/images/image_batches.h"
#include "train/loop/task.h"
#include "train/run/confusion.h"

namespace zoo {

struct ImageTaskOptions {
  ImageBatchOptions batches = {};
  double label_smoothing = 0.0;
};

class ImageClassification : public Task {
 public:
  /// preprocessing: how images become model input; checkpoints store it, and its mean and standard
  /// deviation normalise the data.
  ImageClassification(std::shared_ptr<ImageClassifier> model, ImageDataSet data,
                      const ImagePreprocessing& preprocessing, const ImageTaskOptions& options);

  torch::nn::Module& model() override { return *model_; }
  Metrics step(const Backward& backward) override;
  /// loss and accuracy; top5_accuracy if there are more than five classes.
  Metrics evaluate() override;
  /// The accuracy of each class, and its most frequent confusion.
  std::string sample() override;
  std::vector<ReportPicture> pictures() override;
  void save(const std::filesystem::path& folder) const override;
  void load(const std::filesystem::path& folder) override;
  std::string data_state() const override { return batches_.state(); }
  void restore_data(std::string_view state) override { batches_.restore(state); }
  std::string data_fingerprint() const override;
  Goal goal() const override;
  std::string unit() const override { return "images"; }

  int64_t batches_per_epoch() const { return batches_.batches_per_epoch(); }

 private:
  std::shared_ptr<ImageClassifier> model_;
  torch::Device device_;
  LabelledImages validation_;
  ImagePreprocessing preprocessing_;
  ImageTaskOptions options_;
  ConfusionMatrix confusion_;  // of the last evaluation
  ImageBatches batches_;
};

}  // namespace zoo
