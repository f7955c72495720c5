#include "train/bert/bert_objective.h"

namespace zoo {

bool has_pairs(BertObjective objective) { return pairs_of(objective) != SentencePairs::kNone; }

bool classifies(BertObjective objective) {
  return objective == BertObjective::kClassifyText || objective == BertObjective::kClassifyTokens;
}

BertTask task_of(BertObjective objective) {
  switch (objective) {
    case BertObjective::kMaskedLmNsp:
    case BertObjective::kMaskedLmSop:
    case BertObjective::kReplacedTokens:
      return BertTask::kPreTraining;
    case BertObjective::kClassifyText:
      return BertTask::kClassifyText;
    case BertObjective::kClassifyTokens:
      return BertTask::kClassifyTokens;
    default:
      return BertTask::kMaskedLm;
  }
}

SentencePairs pairs_of(BertObjective objective) {
  switch (objective) {
    case BertObjective::kMaskedLmNsp:
      return SentencePairs::kNextOrRandom;
    case BertObjective::kMaskedLmSop:
      return SentencePairs::kInOrderOrSwapped;
    default:
      return SentencePairs::kNone;
  }
}

}  // namespace zoo
