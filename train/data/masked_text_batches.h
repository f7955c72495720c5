// Masked sequences as padded tensors: random batches for training, fixed ones for evaluation.
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

/// The examples at `indices`, each masked by `draw(index)`.
MaskedBatch mask_batch(const SentenceExamples& examples, std::span<const int64_t> indices,
                       const MaskingVocabulary& vocabulary, const MaskingOptions& options,
                       int64_t pad, const std::function<MaskingDraw(int64_t index)>& draw);

struct MaskedBatchOptions {
  MaskingOptions masking = {};
  int64_t rows = 32;          ///< sequences of a batch
  bool static_masks = false;  ///< each sequence has one mask for good, as in BERT's own data
  uint64_t seed = 0;
};

/// Every sequence once per epoch, in an order and with masks drawn by the seed.
class MaskedBatches {
 public:
  /// The tokenizer must have a mask and a padding token.
  MaskedBatches(SentenceExamples examples, const Tokenizer& tokenizer,
                const MaskedBatchOptions& options);
  MaskedBatch next();
  const SentenceExamples& examples() const { return examples_; }
  /// Position in the data: restoring it gives the same batches again.
  std::string state() const;
  /// Throws std::runtime_error for an invalid position.
  void restore(std::string_view state);

 private:
  SentenceExamples examples_;
  MaskingVocabulary vocabulary_;
  int64_t pad_;
  MaskedBatchOptions options_;
  BucketedBatches batches_;
  uint64_t rows_drawn_ = 0;
};

/// A fingerprint of the sequences, for Task::data_fingerprint().
std::string fingerprint_of(const SentenceExamples& examples);

/// All sequences in a fixed order, with fixed masks that do not depend on the seed.
std::vector<MaskedBatch> fixed_masked_batches(const SentenceExamples& examples,
                                              const Tokenizer& tokenizer,
                                              const MaskedBatchOptions& options);

}  // namespace zoo
