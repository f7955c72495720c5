// Labelled texts and tagged sentences as rows of ids with the classes to learn.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "models/batching/bucketed_batches.h"
#include "models/batching/classifier_rows.h"
#include "train/data/labelled_text.h"

namespace zoo {

/// Names of the classes; a class is its index in the list.
class LabelNames {
 public:
  /// Sorted, each once.
  explicit LabelNames(std::vector<std::string> names);
  /// In this order: those of a model that is there.
  static LabelNames in_order(std::vector<std::string> names);
  const std::vector<std::string>& names() const { return names_; }
  /// Throws std::runtime_error for a name that is not among them: `where`, the name, what is known.
  int64_t id_of(const std::string& name, const std::string& where) const;
  bool contains(const std::vector<std::string>& others) const;

 private:
  LabelNames() = default;
  std::vector<std::string> names_;
};

struct ClassifierExamples {
  std::vector<ClassifierRow> rows;
  /// Of texts one class; of words one for each id of the row, kIgnored but at first pieces.
  std::vector<std::vector<int64_t>> classes;
  /// Sentences that were left out: no word of theirs has a class at any of the row's ids.
  int64_t without_labels = 0;
  int64_t size() const { return std::ssize(rows); }
  int64_t tokens() const;
  int64_t cut() const;  ///< rows that were too long
  std::vector<ExampleLengths> lengths() const;
};

/// `source` is named where a label is unknown.
ClassifierExamples encode_texts(const std::vector<LabelledText>& texts, const LabelNames& labels,
                                const Tokenizer& tokenizer, int64_t context,
                                const std::string& source);
ClassifierExamples encode_sentences(const std::vector<TaggedSentence>& sentences,
                                    const LabelNames& labels, const Tokenizer& tokenizer,
                                    int64_t context, const std::string& source);

/// Classes of the examples at `indices`: [B] of texts, or [B, T] with kIgnored of words, T as
/// collate_rows() has it.
torch::Tensor collate_classes(const ClassifierExamples& examples, std::span<const int64_t> indices,
                              bool of_words);

}  // namespace zoo
