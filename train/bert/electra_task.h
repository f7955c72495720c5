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
#include "train/data/masked_batches.h"
#include "train/loop/task.h"

namespace zoo {

struct ReplacedTokenOptions {
  MaskedBatchOptions batches = {};  ///< with always_mask
  double detection_weight = 50.0;   ///< lambda of §2: the discriminator's loss beside the other
};

/// A text some of whose tokens come from the generator.
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
  /// mlm_loss and mlm_accuracy of the generator at masked tokens; of the discriminator rtd_loss and
  /// rtd_accuracy at all tokens, and rtd_auc at those that are not special; loss as trained.
  /// Masks and samples are the same whenever it is called.
  Metrics evaluate() override;
  bool validates() const override { return !validation_.empty(); }
  /// A validation text: the tokens that were put into it, and those that were found.
  std::string sample() override;
  /// The discriminator, and the generator in the subfolder generator/.
  void save(const std::filesystem::path& folder) const override;
  void load(const std::filesystem::path& folder) override;
  std::string data_state() const override { return batches_.state(); }
  void restore_data(std::string_view state) override { batches_.restore(state); }
  std::string data_fingerprint() const override;
  /// The area under the curve: a half is guessing, however many tokens are replaced.
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

/// The share of pairs (one score of each kind) that are in order, ties half: scores [N], above [N]
/// bool. A half where one kind is missing.
double area_under_curve(const torch::Tensor& scores, const torch::Tensor& above);

/// Both networks from a checkpoint that save() wrote. Returns what the folder lacks and keeps its
/// values: parts of the discriminator, "generator".
std::set<std::string> load_electra_weights(Electra& model, const std::filesystem::path& folder);

}  // namespace zoo
