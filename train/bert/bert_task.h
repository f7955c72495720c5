// Pre-training of the BERT families on sentences: masked tokens, with or without sentence pairs
// (Devlin et al. 2018, §3.1; Lan et al. 2019, §3.1), or in a random order (Yang et al. 2019, §2.2).
#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "models/bert/bert_task.h"
#include "tokenizers/tokenizer.h"
#include "train/data/masked_text_batches.h"
#include "train/data/sentence_examples.h"
#include "train/loop/task.h"

namespace zoo {

struct PreTrainingOptions {
  SentencePairs pairs = SentencePairs::kNone;  ///< of the data
  bool permuted = false;                       ///< words in a random order instead of masked ones
  MaskedBatchOptions batches = {};
};

struct PreTrainingData {
  SentenceExamples training, validation;
  Sentences shown;  ///< a few, for samples
};

/// The score of a unigram model of the training text at the masked tokens: every position gets the
/// same prediction.
struct UnigramScore {
  double loss = 0.0, accuracy = 0.0;
  double tokens = 0.0;  ///< measured
};

class BertPreTraining : public Task {
 public:
  BertPreTraining(BertTaskModel model, std::shared_ptr<const Tokenizer> tokenizer,
                  PreTrainingData data, const PreTrainingOptions& options);

  torch::nn::Module& model() override { return *model_; }
  Metrics step(const Backward& backward) override;
  /// loss, perplexity and accuracy at the masked tokens of the validation sequences, whose masks
  /// are fixed; for pairs nsp_accuracy or sop_accuracy.
  Metrics evaluate() override;
  bool validates() const override { return !validation_.empty(); }
  /// Validation sentences with a masked word, and the best predictions.
  std::string sample() override;
  void save(const std::filesystem::path& folder) const override;
  void load(const std::filesystem::path& folder) override;
  std::string data_state() const override { return batches_.state(); }
  void restore_data(std::string_view state) override { batches_.restore(state); }
  std::string data_fingerprint() const override;
  Goal goal() const override;

  /// At the positions that evaluate() measures.
  UnigramScore unigram() const { return unigram_; }

 private:
  /// [B, T, C]. `random` draws the order of permuted words.
  /// `whole`: the batch of all processes, on the CPU.
  torch::Tensor hidden(const MaskedBatch& batch, const MaskedBatch& whole, at::Generator random);
  torch::Tensor permuted_hidden(const MaskedBatch& batch, int64_t K, at::Generator random);
  std::string best_answers(const torch::Tensor& tokens, int64_t position);

  BertTaskModel model_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  PreTrainingOptions options_;
  torch::Device device_;
  Sentences shown_;
  std::vector<MaskedBatch> validation_;
  UnigramScore unigram_;
  MaskedBatches batches_;
};

}  // namespace zoo
