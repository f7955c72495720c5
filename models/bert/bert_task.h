// A BERT with the heads of one task, as its family has them: what is trained, saved and used.
#pragma once
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <map>
#include <optional>
#include <string>

#include "models/bert/bert.h"
#include "models/bert/bert_heads.h"

namespace zoo {

enum class BertTask {
  kNone,            ///< the encoder alone
  kMaskedLm,        ///< which word was masked
  kPreTraining,     ///< BERT, ALBERT: masked words and pairs of sentences; ELECTRA: replaced tokens
  kNextSentence,    ///< BERT: whether B follows A
  kClassifyText,    ///< one label a text, or a pair of texts
  kClassifyTokens,  ///< one label a token
};
template <>
struct EnumNames<BertTask> {
  static constexpr std::string_view what = "BERT task";
  static constexpr std::pair<BertTask, std::string_view> values[] = {
      {BertTask::kNone, "none"},
      {BertTask::kMaskedLm, "masked-lm"},
      {BertTask::kPreTraining, "pre-training"},
      {BertTask::kNextSentence, "next-sentence"},
      {BertTask::kClassifyText, "classify-text"},
      {BertTask::kClassifyTokens, "classify-tokens"}};
};

struct BertTaskOptions {
  BertOptions bert;
  BertTask task = BertTask::kMaskedLm;
  int64_t labels = 2;                             ///< of the two classifying tasks
  std::optional<double> classifier_dropout = {};  ///< unset: as the encoder's
  bool tie_embeddings = true;  ///< masked words are scored by the token embedding
};

class BertTaskModelImpl : public torch::nn::Module {
 public:
  explicit BertTaskModelImpl(const BertTaskOptions& options);
  /// The encoder's output [B, T, C] -> scores of masked words [..., V]: of all tokens, or of those
  /// with these indices [N] alone (token_selection.h).
  torch::Tensor masked_lm_logits(const torch::Tensor& hidden, const torch::Tensor& indices = {});
  /// [B, T, C] -> [B, 2]: entry 0 where B follows A (BERT) or stands in order (ALBERT)
  torch::Tensor pair_logits(const torch::Tensor& hidden);
  /// [B, T, C] -> [B, K] or, of tokens, [B, T, K]
  torch::Tensor class_logits(const torch::Tensor& hidden);
  /// [B, T, C] -> [B, T]: above zero where the token was replaced
  torch::Tensor replaced_logits(const torch::Tensor& hidden);

  BertTaskOptions options;  // the pooler is there where a head needs it
  Bert bert{nullptr};
  MaskedLmHead masked_lm{nullptr};
  Classifier pair{nullptr}, classifier{nullptr}, replaced{nullptr};
};
TORCH_MODULE(BertTaskModel);

/// Whether one of the task's heads reads the pooler's output.
bool needs_pooler(const BertTaskOptions& options);

/// Whether the family has a head for the task.
bool has_task(BertFamily family, BertTask task);

}  // namespace zoo
