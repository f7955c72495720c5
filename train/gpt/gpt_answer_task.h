// GPT on questions with one right answer ("314=" -> "413"): train_gpt --task.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/batching/bucketed_batches.h"
#include "models/gpt/gpt.h"
#include "tokenizers/tokenizer.h"
#include "train/data/answer_batch.h"
#include "train/data/synthetic_tasks.h"
#include "train/loop/shares.h"
#include "train/loop/task.h"

namespace zoo {

/// Its tokens are the task's symbols, kAsks, padding and the end of an answer.
std::shared_ptr<const Tokenizer> answer_tokenizer(const SyntheticOptions& options);

/// Questions with their answers, as ids and as text.
struct AnswerData {
  SequencePairs training = {}, validation = {};
  ParallelText validation_text = {};
};
/// Tokens of the longest question with its answer: the minimum context.
int64_t longest_answered(const AnswerData& data);
/// Throws std::runtime_error if the tokenizer has no end of text or cannot encode the symbols.
AnswerData answer_data(const SyntheticOptions& options, const Tokenizer& tokenizer, uint64_t seed);

struct AnswerTaskOptions {
  int64_t batch_size = 64;
  double label_smoothing = 0.0;
  uint64_t seed = 0;
};

class GptAnswerTask : public Task {
 public:
  GptAnswerTask(Gpt model, std::shared_ptr<const Tokenizer> tokenizer, AnswerData data,
                const AnswerTaskOptions& options);

  torch::nn::Module& model() override { return *model_; }
  /// Only the answer has a loss; and what a question answers itself, unless it is a prefix.
  Metrics step(const Backward& backward) override;
  /// loss and accuracy of the validation tokens that have a loss; exact_match: the share of greedy
  /// answers that are completely right.
  Metrics evaluate() override;
  /// Three validation questions with the model's answers.
  std::string sample() override;
  void save(const std::filesystem::path& folder) const override;
  void load(const std::filesystem::path& folder) override;
  std::string data_state() const override { return batches_.state(); }
  void restore_data(std::string_view state) override { batches_.restore(state); }
  std::string data_fingerprint() const override;
  Goal goal() const override;

 private:
  struct Scored {
    torch::Tensor logits, targets;  // [N, V], [N]: of the answers' tokens alone
    AnswerBatch batch;
  };
  Scored score(const SequencePairs& pairs, std::span<const int64_t> indices,
               const BatchShare& share);
  std::vector<std::string> answer(int64_t begin, int64_t end);

  Gpt model_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  AnswerData data_;
  AnswerTaskOptions options_;
  std::optional<int64_t> asks_;  // kAsks as a token
  torch::Device device_;
  BucketedBatches batches_;
};

}  // namespace zoo
