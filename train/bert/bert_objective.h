// What train_bert can learn, and what each objective asks of model and data.
#pragma once
#include <string_view>
#include <utility>

#include "base/named_enum.h"
#include "models/bert/bert_task.h"
#include "train/data/sentence_examples.h"

namespace zoo {

enum class BertObjective {
  kMaskedLm,
  kMaskedLmNsp,
  kMaskedLmSop,
  kPermutedLm,
  kReplacedTokens,
  kClassifyText,
  kClassifyTokens
};
template <>
struct EnumNames<BertObjective> {
  static constexpr std::string_view what = "objective";
  static constexpr std::pair<BertObjective, std::string_view> values[] = {
      {BertObjective::kMaskedLm, "masked-lm"},
      {BertObjective::kMaskedLmNsp, "masked-lm-nsp"},
      {BertObjective::kMaskedLmSop, "masked-lm-sop"},
      {BertObjective::kPermutedLm, "permuted-lm"},
      {BertObjective::kReplacedTokens, "replaced-tokens"},
      {BertObjective::kClassifyText, "classify-text"},
      {BertObjective::kClassifyTokens, "classify-tokens"}};
};

/// Pairs of sentences, besides masked words.
bool has_pairs(BertObjective objective);
/// Classes from labelled data.
bool classifies(BertObjective objective);
/// Which heads the model has.
BertTask task_of(BertObjective objective);
/// How sentences are packed.
SentencePairs pairs_of(BertObjective objective);

}  // namespace zoo
