// Pre-training of ELECTRA: replaced-token detection. Clark et al. 2020 (arXiv:2003.10555), §2.
// Differs from the paper: nothing.
#pragma once
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "models/bert/electra.h"
#include "tokenizers/tokenizer.h"
#include "train/data/masked_text_batches.h"
#include "train/loop/task.h"

namespace zoo {

struct ReplacedTokenOptions {
  MaskedBatchOptions batches = {};  ///< with always_mask
  double detection_weight = 50.0;   ///< lambda of §2: the discriminator's loss beside the other
};

/// A text in which the generator replaced some tokens.
struct ReplacedBatch {
  torch::Tensor tokens;       // [B, T] int64
  torch::Tensor is_replaced;  // [B, T] bool: false where the sample was the token itself
  torch::Tensor is_real;      // [B, T] bool: no padding
};

class ElectraPreTraining : public Task {
 public:
  ElectraPreTraining(Electra model, std::shared_ptr<const Tokenizer> tokenizer,
                     SentenceExamples training, const SentenceExamples& validation,
                     const ReplacedTokenOptions& options);

  torch::nn::Module& model() override { return *model_; }
  Metrics step(const Backward& backward) override;
  /// The generator's mlm_loss and mlm_accuracy at masked tokens; the discriminator's rtd_loss and
  /// rtd_accuracy at all tokens and rtd_auc at ordinary ones; the training loss. Every call uses
  /// the same masks and samples.
  Metrics evaluate() override;
  bool validates() const override { return !validation_.empty(); }
  /// A validation text: the replaced tokens, and those that the discriminator found.
  std::string sample() override;
  /// The discriminator, and the generator in the subfolder generator/.
  void save(const std::filesystem::path& folder) const override;
  void load(const std::filesystem::path& folder) override;
  std::string data_state() const override { return batches_.state(); }
  void restore_data(std::string_view state) override { batches_.restore(state); }
  std::string data_fingerprint() const override;
  /// The area under the curve: 0.5 is chance, however many tokens are replaced.
  Goal goal() const override;

 private:
  ReplacedBatch replaced(const MaskedBatch& batch, const torch::Tensor& sampled) const;
  torch::Tensor hidden(BertTaskModel& model, const torch::Tensor& tokens, const MaskedBatch& batch);

  Electra model_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  ReplacedTokenOptions options_;
  torch::Device device_;
  std::vector<MaskedBatch> validation_;
  MaskedBatches batches_;
};

/// Area under the ROC curve: the share of (positive, negative) pairs in the right order, ties count
/// half. scores [N], above [N] bool. 0.5 if one kind is missing.
double area_under_curve(const torch::Tensor& scores, const torch::Tensor& above);

/// Loads both networks from a checkpoint of save(). Returns what the folder lacks and what
/// therefore keeps its values: parts of the discriminator, "generator".
std::set<std::string> load_electra_weights(Electra& model, const std::filesystem::path& folder);

}  // namespace zoo
