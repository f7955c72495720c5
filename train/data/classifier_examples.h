// Labelled texts and tagged sentences as rows of ids with their target classes.
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
  /// Sorts them and removes duplicates.
  explicit LabelNames(std::vector<std::string> names);
  /// Keeps the order: for the labels of an existing model.
  static LabelNames in_order(std::vector<std::string> names);
  const std::vector<std::string>& names() const { return names_; }
  /// Throws std::runtime_error for an unknown name; the message begins with `where` and lists the
  /// known names.
  int64_t id_of(const std::string& name, const std::string& where) const;
  bool contains(const std::vector<std::string>& others) const;

 private:
  LabelNames() = default;
  std::vector<std::string> names_;
};

struct ClassifierExamples {
  std::vector<ClassifierRow> rows;
  /// Texts: one class. Words: one class per id of the row, kIgnored except at first pieces.
  std::vector<std::vector<int64_t>> classes;
  /// Skipped sentences: none of their words has a class at any id of the row.
  int64_t without_labels = 0;
  int64_t size() const { return std::ssize(rows); }
  int64_t tokens() const;
  int64_t cut() const;  ///< rows that were too long
  std::vector<ExampleLengths> lengths() const;
};

/// `source` is named in the error for an unknown label.
ClassifierExamples encode_texts(const std::vector<LabelledText>& texts, const LabelNames& labels,
                                const Tokenizer& tokenizer, int64_t context,
                                const std::string& source);
ClassifierExamples encode_sentences(const std::vector<TaggedSentence>& sentences,
                                    const LabelNames& labels, const Tokenizer& tokenizer,
                                    int64_t context, const std::string& source);

/// Classes of the examples at `indices`: [B] for texts; [B, T] with kIgnored for words, T as in
/// collate_rows().
torch::Tensor collate_classes(const ClassifierExamples& examples, std::span<const int64_t> indices,
                              bool of_words);

}  // namespace zoo
