// Files to what a BERT learns from: sentences of a text, or labelled texts.
#pragma once
#include <string>
#include <vector>

#include "tokenizers/tokenizer.h"
#include "train/bert/bert_classifier_task.h"
#include "train/bert/bert_objective.h"
#include "train/bert/bert_task.h"

namespace zoo {

struct BertDataOptions {
  std::string data;
  std::string validation_data;  ///< of labelled texts; empty: a share of `data`
  double validation_share = 0.0;
  BertObjective objective = BertObjective::kMaskedLm;
  int64_t context = 128;
  uint64_t seed = 0;
};

/// Throws std::runtime_error for a tokenizer without the tokens that sequences of sentences need.
void check_roles(const Tokenizer& tokenizer);

/// Throws std::runtime_error for text that cannot be read or is too short.
PreTrainingData read_pre_training_data(const BertDataOptions& options, const Tokenizer& tokenizer);

/// Which classes there are: those of a model that is there, or those that the data brings.
struct KnownLabels {
  std::vector<std::string> names = {};
  bool fixed = false;  ///< the data must not bring others
};

/// Labelled texts or tagged sentences, by the objective. A held-out share is drawn by the seed.
/// Throws std::runtime_error for a file of another form, a label that only the validation data has,
/// and fewer than two labels.
ClassifierData read_classifier_data(const BertDataOptions& options, const Tokenizer& tokenizer,
                                    const KnownLabels& known);

}  // namespace zoo
