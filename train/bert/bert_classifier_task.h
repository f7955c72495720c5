// Fine-tunes the BERT families: a class for each text or text pair, or for each word. Devlin et al.
// 2018 (arXiv:1810.04805), §4.1 and §5.3.
#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "models/batching/bucketed_batches.h"
#include "models/bert/bert_task.h"
#include "tokenizers/tokenizer.h"
#include "train/data/classifier_examples.h"
#include "train/loop/task.h"

namespace zoo {

struct ClassifierData {
  ClassifierExamples training, validation;
  std::vector<std::string> labels;
};

struct ClassifierTaskOptions {
  int64_t rows = 32;  ///< texts of a batch
  uint64_t seed = 0;
};

class BertClassifierTask : public Task {
 public:
  BertClassifierTask(BertTaskModel model, std::shared_ptr<const Tokenizer> tokenizer,
                     ClassifierData data, const ClassifierTaskOptions& options);

  torch::nn::Module& model() override { return *model_; }
  Metrics step(const Backward& backward) override;
  /// loss, accuracy and macro_f1; for words with B- and I- tags also entity_f1.
  Metrics evaluate() override;
  bool validates() const override { return data_.validation.size() > 0; }
  /// Validation texts with the model's answer and the right one.
  std::string sample() override;
  void save(const std::filesystem::path& folder) const override;
  void load(const std::filesystem::path& folder) override;
  std::string data_state() const override { return batches_.state(); }
  void restore_data(std::string_view state) override { batches_.restore(state); }
  std::string data_fingerprint() const override;
  /// Texts: accuracy, compared with the most frequent class. Entities: F1, compared with 0.
  Goal goal() const override;
  std::string unit() const override { return of_words() ? "words" : "texts"; }

  /// The accuracy of always answering the most frequent class of the validation data.
  double majority_accuracy() const;
  double padding_share() const { return batches_.padding_share(); }

 private:
  bool of_words() const { return model_->options.task == BertTask::kClassifyTokens; }
  bool finds_entities() const;
  std::vector<std::vector<int64_t>> validation_batches() const;
  std::vector<std::string> names_of(const std::vector<int64_t>& classes) const;

  BertTaskModel model_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  ClassifierData data_;
  BucketOptions bucket_options_;
  torch::Device device_;
  BucketedBatches batches_;
};

}  // namespace zoo
