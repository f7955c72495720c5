#include "train/bert/bert_classifier_task.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "base/interrupt.h"
#include "infer/text/classifier.h"
#include "models/batching/padding.h"
#include "models/pretrained/bert/bert_checkpoint.h"
#include "train/data/fingerprint.h"
#include "train/loop/shares.h"
#include "train/objectives/classification_scores.h"
#include "train/objectives/meter.h"
#include "train/objectives/token_loss.h"

namespace zoo {
namespace {

constexpr int64_t kShownTexts = 3;

/// Answers and right classes of one row, where it has a target.
struct Answers {
  std::vector<int64_t> predicted, right;
};

/// best [B] or [B, T], targets likewise -> one entry a row
std::vector<Answers> answers_of(const torch::Tensor& best, const torch::Tensor& targets) {
  std::vector<Answers> rows;
  const auto predicted = best.cpu();
  for (int64_t b = 0; b < targets.size(0); ++b) {
    const auto chosen = targets[b].ne(kIgnored);
    const auto values = [&](const torch::Tensor& t) {
      const auto kept = t[b].masked_select(chosen).contiguous();
      return std::vector<int64_t>(kept.data_ptr<int64_t>(),
                                  kept.data_ptr<int64_t>() + kept.numel());
    };
    rows.push_back({.predicted = values(predicted), .right = values(targets)});
  }
  return rows;
}

}  // namespace

BertClassifierTask::BertClassifierTask(BertTaskModel model,
                                       std::shared_ptr<const Tokenizer> tokenizer,
                                       ClassifierData data, const ClassifierTaskOptions& options)
    : model_(std::move(model)),
      tokenizer_(std::move(tokenizer)),
      data_(std::move(data)),
      bucket_options_(buckets_of_rows(data_.training.lengths(), options.rows, options.seed)),
      device_(model_->parameters().front().device()),
      batches_(data_.training.lengths(), bucket_options_) {}

Metrics BertClassifierTask::step(const Backward& backward) {
  const auto indices = batches_.next();
  const auto batch = collate_rows(data_.training.rows, indices, tokenizer_->pad_id().value_or(0));
  const auto targets = collate_classes(data_.training, indices, of_words()).to(device_);
  show_batch([&] {
    return NamedTensors{{"input_ids", batch.tokens},
                        {"attention_mask", attention_mask(batch.tokens, batch.lengths)},
                        {"token_type_ids", batch.segments},
                        {"labels", targets}};
  });
  const BatchShare share(processes(), std::ssize(indices));
  const ClassifierBatch mine{.tokens = share.rows(batch.tokens),
                             .segments = share.rows(batch.segments),
                             .lengths = share.rows(batch.lengths)};
  const auto loss = token_loss(classify_batch(model_, mine), share.rows(targets));
  backward(loss.sum, loss.tokens);
  return {};
}

Metrics BertClassifierTask::evaluate() {
  if (data_.validation.size() == 0) return {};
  MeanMeter loss;
  ClassificationScores scores(std::ssize(data_.labels));
  EntityScores entities;
  EvaluationShare share(processes());
  for (const auto& indices : validation_batches()) {
    if (!share.takes_next()) continue;
    const auto batch =
        collate_rows(data_.validation.rows, indices, tokenizer_->pad_id().value_or(0));
    const auto targets = collate_classes(data_.validation, indices, of_words());
    const auto logits = classify_batch(model_, batch);  // [B, K] or [B, T, K]
    loss.add(cross_entropy_sum(logits, targets.to(device_)), count_targets(targets));
    for (const auto& row : answers_of(logits.argmax(-1), targets)) {
      for (size_t i = 0; i < row.right.size(); ++i) scores.add(row.predicted[i], row.right[i]);
      entities.add(names_of(row.predicted), names_of(row.right));
    }
  }
  share.finish();
  sum_over(processes(), loss, scores, entities);
  if (loss.count() == 0.0) return {};
  Metrics metrics{
      {"loss", loss.mean()}, {"accuracy", scores.accuracy()}, {"macro_f1", scores.macro_f1()}};
  if (finds_entities()) metrics["entity_f1"] = entities.f1();
  return metrics;
}

std::string BertClassifierTask::sample() {
  std::string text;
  for (int64_t i = 0; i < std::min(kShownTexts, data_.validation.size()); ++i) {
    const auto& row = data_.validation.rows[static_cast<size_t>(i)];
    const auto batch =
        collate_rows(data_.validation.rows, std::vector{i}, tokenizer_->pad_id().value_or(0));
    const auto targets = collate_classes(data_.validation, std::vector{i}, of_words());
    const auto best = classify_batch(model_, batch).argmax(-1);
    const auto answers = answers_of(best, targets).front();
    text += fmt::format(
        "text   {}\nmodel  {}\nright  {}\n\n", tokenizer_->decode(row.ids, /*skip_special=*/true),
        fmt::join(names_of(answers.predicted), " "), fmt::join(names_of(answers.right), " "));
  }
  return text;
}

void BertClassifierTask::save(const std::filesystem::path& folder) const {
  save_bert(model_, folder, {.pad = tokenizer_->pad_id()}, data_.labels);
  tokenizer_->save(folder);
}

void BertClassifierTask::load(const std::filesystem::path& folder) {
  load_bert_weights(model_, folder);
}

std::string BertClassifierTask::data_fingerprint() const {
  DataFingerprint fingerprint;
  for (const auto& row : data_.training.rows) {
    const uint64_t length = row.ids.size();
    fingerprint.add(std::span(&length, 1)).add(std::span(row.ids)).add(std::span(row.segments));
  }
  for (const auto& classes : data_.training.classes) fingerprint.add(std::span(classes));
  return fingerprint.text();
}

Goal BertClassifierTask::goal() const {
  if (data_.validation.size() == 0) return {.metric = "accuracy", .higher_is_better = true};
  if (finds_entities()) return {.metric = "entity_f1", .higher_is_better = true, .chance = 0.0};
  return {.metric = "accuracy", .higher_is_better = true, .chance = majority_accuracy()};
}

double BertClassifierTask::majority_accuracy() const {
  ClassificationScores scores(std::ssize(data_.labels));
  for (const auto& classes : data_.validation.classes) {
    for (const int64_t right : classes)
      if (right != kIgnored) scores.add(right, right);
  }
  return scores.majority_accuracy();
}

bool BertClassifierTask::finds_entities() const {
  return of_words() && mark_entities(data_.labels);
}

std::vector<std::vector<int64_t>> BertClassifierTask::validation_batches() const {
  return sorted_batches(data_.validation.lengths(), bucket_options_);
}

std::vector<std::string> BertClassifierTask::names_of(const std::vector<int64_t>& classes) const {
  std::vector<std::string> names;
  for (const int64_t c : classes) names.push_back(data_.labels[static_cast<size_t>(c)]);
  return names;
}

}  // namespace zoo
