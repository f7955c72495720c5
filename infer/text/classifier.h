// Classifies texts, text pairs, or every word of a text, with a fine-tuned BERT. Devlin et al. 2018
// (arXiv:1810.04805), §4.1 and §5.3.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "infer/show_ids.h"
#include "infer/text/text_encoder.h"
#include "models/batching/classifier_rows.h"
#include "models/pretrained/format/labels.h"

namespace zoo {

/// Logits on the model's device: [B, K] for texts or [B, T, K] for tokens.
torch::Tensor classify_batch(BertTaskModel& model, const ClassifierBatch& batch);

struct ScoredLabel {
  std::string label;
  double score = 0.0;  ///< probability; of a regression the value
};

struct TaggedWord {
  std::string word;
  std::vector<ScoredLabel> labels;  ///< best first; empty where the tokenizer has no piece of it
};

class TextClassifier {
 public:
  /// Throws std::runtime_error with one line, also for a model without classifier.
  TextClassifier(const std::filesystem::path& folder, torch::Device device = torch::kCPU,
                 const std::string& attention = {});
  /// `on_ids` is called with the ids of every text from now on.
  void observe_ids(IdsObserver on_ids) { on_ids_ = std::move(on_ids); }
  /// Whether each word has a class, instead of the text.
  bool of_words() const { return encoder_.model->options.task == BertTask::kClassifyTokens; }
  /// The `top_n` best classes of each text, best first. Texts longer than the context are
  /// truncated.
  std::vector<std::vector<ScoredLabel>> classify(const std::vector<TextPair>& texts, int64_t top_n);
  /// Tags the words between the text's spaces. Throws std::runtime_error if they exceed the
  /// context.
  std::vector<TaggedWord> tag(const std::string& text, int64_t top_n);

 private:
  std::vector<ScoredLabel> best(const torch::Tensor& scores, int64_t top_n) const;
  torch::Tensor scores(const std::vector<ClassifierRow>& rows);

  TextEncoder encoder_;
  std::vector<std::string> labels_;
  ScoreFunction function_ = ScoreFunction::kSoftmax;
  IdsObserver on_ids_;
};

}  // namespace zoo
