#include "train/vision/vit_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/interrupt.h"
#include "models/pretrained/vision/image_classifier_checkpoint.h"
#include "train/data/fingerprint.h"
#include "train/loop/shares.h"
#include "train/objectives/meter.h"
#include "train/objectives/token_loss.h"

namespace zoo {
namespace {

constexpr int64_t kEvaluationBatch = 256;

ChannelStatistics normalisation_of(const ImagePreprocessing& p) { return {p.mean, p.std}; }

/// Adds to counts [K, K]: row the label, column the answer.
void count(torch::Tensor& counts, const torch::Tensor& labels, const torch::Tensor& answers) {
  counts.index_put_({labels, answers}, torch::ones_like(labels), /*accumulate=*/true);
}

}  // namespace

ImageClassification::ImageClassification(std::shared_ptr<ImageClassifier> model, ImageDataSet data,
                                         const ImagePreprocessing& preprocessing,
                                         const ImageTaskOptions& options)
    : model_(std::move(model)),
      device_(model_->parameters().front().device()),
      validation_(std::move(data.validation)),
      preprocessing_(preprocessing),
      options_(options),
      confusion_{.class_names = std::move(data.class_names), .counts = {}},
      batches_(std::move(data.training), normalisation_of(preprocessing), options.batches) {}

Metrics ImageClassification::step(const Backward& backward) {
  const ImageBatch batch = batches_.next();
  show_batch([&] {
    NamedTensors named{{"pixel_values", batch.pixels}, {"labels", batch.labels}};
    if (batch.mixed_labels.defined()) {
      named["mixed_labels"] = batch.mixed_labels;
      named["share"] = torch::tensor(batch.share);
    }
    return named;
  });
  const BatchShare share(processes(), batch.total);
  const auto logits = model_->forward(batch.pixels.to(device_));  // [rows, K]
  const auto loss_for = [&](const torch::Tensor& labels) {
    return cross_entropy_sum(logits, labels.to(device_), options_.label_smoothing);
  };
  auto loss = loss_for(batch.labels);
  // Of mixed pictures the losses are mixed: the same as that of a mixed target.
  if (batch.mixed_labels.defined())
    loss = loss * batch.share + loss_for(batch.mixed_labels) * (1.0 - batch.share);
  backward(loss, static_cast<double>(share.count()));
  return {};
}

Metrics ImageClassification::evaluate() {
  const int64_t N = validation_.size(), K = model_->classes();
  if (N == 0) return {};
  const bool has_five = K > 5;
  PredictionMeter predictions;
  DeviceSum among_five;
  auto counts = torch::zeros({K, K}, torch::kLong);
  EvaluationShare share(processes());
  for (int64_t first = 0; first < N; first += kEvaluationBatch) {
    if (!share.takes_next()) continue;
    const auto batch = fixed_image_batch(validation_, normalisation_of(preprocessing_), first,
                                         std::min(kEvaluationBatch, N - first));
    const auto logits =
        model_->forward(batch.pixels.to(device_)).to(torch::kFloat).cpu();  // [B, K]
    predictions.add(logits, batch.labels);
    if (has_five) {
      const auto five = std::get<1>(logits.topk(5, -1));  // [B, 5]
      among_five.add(five.eq(batch.labels.unsqueeze(1)).sum());
    }
    count(counts, batch.labels, logits.argmax(-1));
  }
  share.finish();
  sum_over(processes(), predictions, among_five);
  processes().all_reduce_sum({counts});
  confusion_.counts.assign(counts.data_ptr<int64_t>(), counts.data_ptr<int64_t>() + K * K);
  Metrics metrics{{"loss", predictions.loss()}, {"accuracy", predictions.accuracy()}};
  if (has_five) metrics["top5_accuracy"] = among_five.value() / static_cast<double>(N);
  return metrics;
}

std::string ImageClassification::sample() {
  return confusion_.counts.empty() ? "" : confusion_table(confusion_);
}

std::vector<ReportPicture> ImageClassification::pictures() {
  if (confusion_.counts.empty()) return {};
  return {{.title = "Confusion matrix",
           .caption = "Of the last evaluation. Rows are the true classes, columns the answers; the "
                      "brighter, the larger a share of its row.",
           .html = confusion_html(confusion_)}};
}

void ImageClassification::save(const std::filesystem::path& folder) const {
  save_image_classifier(*model_, folder, confusion_.class_names);
  write_preprocessing(preprocessing_, folder);
}

void ImageClassification::load(const std::filesystem::path& folder) {
  load_image_classifier_weights(*model_, folder);
}

std::string ImageClassification::data_fingerprint() const {
  const LabelledImages& images = batches_.images();
  return DataFingerprint().add(images.pixels).add(images.labels).text();
}

Goal ImageClassification::goal() const {
  if (validation_.size() == 0) return {};
  return {.metric = "accuracy",
          .higher_is_better = true,
          .chance = 1.0 / static_cast<double>(model_->classes())};
}

}  // namespace zoo
