// Masked sequences as padded tensors: in random batches to train on, in fixed ones for evaluation.
#pragma once
#include <torch/types.h>

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/batching/bucketed_batches.h"
#include "train/data/sentence_examples.h"
#include "train/objectives/masked_batch.h"
#include "train/objectives/masking.h"

namespace zoo {

/// The examples at `indices`, each with the masks of `draw(index)`.
MaskedBatch mask_batch(const SentenceExamples& examples, std::span<const int64_t> indices,
                       const MaskingVocabulary& vocabulary, const MaskingOptions& options,
                       int64_t pad, const std::function<MaskingDraw(int64_t index)>& draw);

struct MaskedBatchOptions {
  MaskingOptions masking = {};
  int64_t rows = 32;          ///< sequences of a batch
  bool static_masks = false;  ///< each sequence has one mask for good, as in BERT's own data
  uint64_t seed = 0;
};

/// Every sequence once an epoch, in an order and with masks that the seed decides.
class MaskedBatches {
 public:
  /// The tokenizer has a mask and a padding token.
  MaskedBatches(SentenceExamples examples, const Tokenizer& tokenizer,
                const MaskedBatchOptions& options);
  MaskedBatch next();
  const SentenceExamples& examples() const { return examples_; }
  /// Position in the data: restoring it gives the same batches again.
  std::string state() const;
  /// Throws std::runtime_error for what is no such position.
  void restore(std::string_view state);

 private:
  SentenceExamples examples_;
  MaskingVocabulary vocabulary_;
  int64_t pad_;
  MaskedBatchOptions options_;
  BucketedBatches batches_;
  uint64_t rows_drawn_ = 0;
};

/// What the sequences are, as Task::data_fingerprint() has it.
std::string fingerprint_of(const SentenceExamples& examples);

/// All sequences in a fixed order, with masks that stay the same whatever the seed.
std::vector<MaskedBatch> fixed_masked_batches(const SentenceExamples& examples,
                                              const Tokenizer& tokenizer,
                                              const MaskedBatchOptions& options);

}  // namespace zoo
