// Reads files into training data for BERT: sentences of a text, or labelled texts.
#pragma once
#include <string>
#include <vector>

#include "tokenizers/tokenizer.h"
#include "train/bert/bert_classifier_task.h"
#include "train/bert/bert_task.h"

namespace zoo {

struct BertDataOptions {
  std::string data;
  std::string validation_data;  ///< of labelled texts; empty: a share of `data`
  double validation_share = 0.0;
  SentencePairs pairs = SentencePairs::kNone;
  int64_t context = 128;
  uint64_t seed = 0;
};

/// Throws std::runtime_error if the tokenizer lacks the special tokens of sentence sequences.
void check_roles(const Tokenizer& tokenizer);

/// Throws std::runtime_error for text that cannot be read or is too short.
PreTrainingData read_pre_training_data(const BertDataOptions& options, const Tokenizer& tokenizer);

/// The classes: those of an existing model, or those in the data.
struct KnownLabels {
  std::vector<std::string> names = {};
  bool fixed = false;  ///< the data must not bring others
};

/// Labelled texts, and sentences with a label for each word. The seed draws a held-out share. Throw
/// std::runtime_error for a file in another format, a label that only the validation data has, and
/// fewer than two labels.
ClassifierData read_text_labels(const BertDataOptions& options, const Tokenizer& tokenizer,
                                const KnownLabels& known);
ClassifierData read_word_labels(const BertDataOptions& options, const Tokenizer& tokenizer,
                                const KnownLabels& known);

/// For display: "120 sequences, 3000 tokens".
std::string description_of(const SentenceExamples& examples);
std::string description_of(const ClassifierExamples& examples);

}  // namespace zoo
