// Contrastive learning of images and texts. Radford et al. 2021 (arXiv:2103.00020), §2.3.
#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "models/batching/bucketed_batches.h"
#include "models/clip/clip.h"
#include "models/images/preprocess.h"
#include "tokenizers/tokenizer.h"
#include "train/data/images/augment.h"
#include "train/data/images/captioned_images.h"
#include "train/loop/shares.h"
#include "train/loop/task.h"
#include "train/objectives/contrastive.h"

namespace zoo {

/// logits [B, B], positives [B, B] bool -> []: contrastive.h has two.
using ContrastiveLoss = torch::Tensor (*)(const torch::Tensor& logits,
                                          const torch::Tensor& positives);

struct ClipTaskOptions {
  ContrastiveLoss loss = info_nce_loss;
  int64_t batch_size = 64;
  int64_t chunk = 0;  ///< examples in memory at once, in each process; 0: all
  /// Prompts around a concept's name, whose embeddings are averaged for zero-shot classification
  /// (§3.1.4).
  std::vector<std::string> templates = {"{}", "a {}", "the picture shows a {}"};
  AugmentOptions augment = {};  ///< of training pictures
  uint64_t seed = 0;
};

struct ClipData {
  CaptionedImages training, validation;
};

class ClipTask : public Task {
 public:
  ClipTask(Clip model, std::shared_ptr<const Tokenizer> tokenizer, ImagePreprocessing preprocessing,
           ClipData data, const ClipTaskOptions& options);

  torch::nn::Module& model() override { return *model_; }
  /// One contrastive batch; an image with several captions gets a random one.
  Metrics step(const Backward& backward) override;
  bool differentiates_in_parts() const override { return options_.chunk > 0; }
  /// On the validation images: loss (in batches of the training size), recall_at_1, _5, _10 (mean
  /// of both directions), image_recall_at_* (texts retrieve images), text_recall_at_* (images
  /// retrieve texts), zero_shot_accuracy (an image among the names of all concepts).
  Metrics evaluate() override;
  /// The values of evaluate()'s shares for random guessing, under the same names; empty without
  /// validation images.
  Metrics chance() const;
  /// Some images with their predicted names.
  std::string sample() override;
  void save(const std::filesystem::path& folder) const override;
  void load(const std::filesystem::path& folder) override;
  std::string data_state() const override;
  void restore_data(std::string_view state) override;
  std::string data_fingerprint() const override;
  /// Zero-shot accuracy, compared with chance.
  Goal goal() const override;
  std::string unit() const override { return "pairs"; }

 private:
  struct Batch {
    torch::Tensor pixels;  // [rows, 3, H, W] float, on the device: of this process
    torch::Tensor tokens;  // [B, T] int64, on the device: of all
  };
  /// `changed`: augmented, like training images.
  Batch collate(const CaptionedImages& data, const std::vector<int64_t>& indices,
                const BatchShare& share, uint64_t draw, bool changed = false) const;
  /// `first`: number of the first picture in the batch.
  torch::Tensor changed_pictures(const torch::Tensor& pictures, int64_t first, uint64_t draw) const;
  torch::Tensor pixel_values(const torch::Tensor& pictures) const;
  torch::Tensor tokens_of(const std::vector<std::string>& texts) const;
  torch::Tensor loss_of(const torch::Tensor& images, const torch::Tensor& texts,
                        const torch::Tensor& tokens) const;
  torch::Tensor embed_together(
      int64_t count, const std::function<torch::Tensor(int64_t begin, int64_t end)>& embed);
  torch::Tensor embed_images(const CaptionedImages& data);           // [N, E]
  torch::Tensor embed_texts(const std::vector<std::string>& texts);  // [M, E]
  torch::Tensor name_scores(const torch::Tensor& images);            // [N, K]
  double validation_loss();

  Clip model_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  ImagePreprocessing preprocessing_;
  ClipData data_;
  ClipTaskOptions options_;
  int64_t end_ = 0;
  torch::Device device_;
  BucketedBatches batches_;
  uint64_t drawn_ = 0;  // batches so far: which captions they show
};

}  // namespace zoo
