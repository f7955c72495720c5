// Sequence to sequence on pairs of texts, for train_transformer.
#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "infer/translation/translation_model.h"
#include "infer/translation/translator.h"
#include "models/batching/bucketed_batches.h"
#include "tokenizers/tokenizer.h"
#include "train/data/parallel_text.h"
#include "train/loop/task.h"

namespace zoo {

/// Options of training on pairs and of its evaluation.
struct PairTaskOptions {
  int64_t batch_tokens = 4096;
  double label_smoothing = 0.1;
  int64_t decode_pairs = 200;  ///< validation pairs that are translated at each evaluation
  std::string source_language = "source", target_language = "target";  ///< of the pictures' axes
  bool exact = false;  ///< judged by the share of outputs that are right to the last token
};

/// Training and validation pairs; the latter also as texts, to score their translations.
struct PairData {
  SequencePairs training, validation;
  ParallelText validation_text;
};

class TransformerTask : public Task {
 public:
  /// One tokenizer for both sides.
  TransformerTask(std::unique_ptr<TranslationModel> model,
                  std::shared_ptr<const Tokenizer> tokenizer, PairData data,
                  const PairTaskOptions& options, uint64_t seed);

  torch::nn::Module& model() override { return model_->module(); }
  Metrics step(const Backward& backward) override;
  /// loss, perplexity and accuracy over the validation pairs; bleu, chrf and exact_match of greedy
  /// translations over the first `decode_pairs` of them.
  Metrics evaluate() override;
  /// Three validation sources with their translations and references.
  std::string sample() override;
  /// The alignment of these translations.
  std::vector<ReportPicture> pictures() override;
  void save(const std::filesystem::path& folder) const override;
  void load(const std::filesystem::path& folder) override { model_->load_weights(folder); }
  std::string data_state() const override { return batches_.state(); }
  void restore_data(std::string_view state) override { batches_.restore(state); }
  std::string data_fingerprint() const override;
  Goal goal() const override;

  double padding_share() const { return batches_.padding_share(); }
  TranslationModel& translation_model() { return *model_; }

 private:
  Metrics score_translations();
  std::vector<Translation> translate(int64_t begin, int64_t end);
  std::vector<Translation> translate_samples();
  std::vector<std::string> translate_together(int64_t count);
  Translator translator() const;

  std::unique_ptr<TranslationModel> model_;
  std::shared_ptr<const Tokenizer> tokenizer_;  // for both sides
  PairData data_;
  PairTaskOptions options_;
  SpecialIds ids_;
  PairFormat format_;
  PairSpecials specials_;
  torch::Device device_;
  BucketedBatches batches_;
};

}  // namespace zoo
