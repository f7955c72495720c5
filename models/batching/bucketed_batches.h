// Batches of examples of about equal length, as many as fit a budget of tokens: Vaswani et al.
// 2017, §5.1 ("batched together by approximate sequence length").
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/batching/token_sequences.h"

namespace zoo {

/// What an example costs: tokens of its source and its target, or of one sequence.
struct ExampleLengths {
  int64_t source = 0, target = 0;
};

struct BucketOptions {
  int64_t tokens =
      4096;          ///< of a batch, padding included: rows * (longest source + longest target)
  int64_t rows = 0;  ///< at most so many; 0: no limit
  uint64_t seed = 0;
};

/// Single sequences cost their tokens.
std::vector<ExampleLengths> lengths_of(const TokenSequences& sequences);

/// Batches of at most `rows` examples, none of them larger than `rows` of the longest.
BucketOptions buckets_of_rows(const std::vector<ExampleLengths>& lengths, int64_t rows,
                              uint64_t seed);

/// Every example once an epoch, in an order that (seed, epoch) decides: examples are shuffled,
/// sorted by length (those of one length stay shuffled), cut into batches, and the batches
/// shuffled. An example that alone exceeds the budget is a batch of its own.
class BucketedBatches {
 public:
  /// Throws std::invalid_argument for no examples or a budget below 1.
  BucketedBatches(std::vector<ExampleLengths> lengths, const BucketOptions& options);

  /// Indices of the next batch's examples.
  std::vector<int64_t> next();
  /// Position in the data: restoring it gives the same batches again.
  std::string state() const;
  /// Throws std::runtime_error for what is no such position.
  void restore(std::string_view state);

  int64_t batches_per_epoch() const { return std::ssize(batches_); }
  /// Share of an epoch's tokens that is padding.
  double padding_share() const;

 private:
  void begin_epoch(int64_t epoch);
  std::vector<ExampleLengths> lengths_;
  BucketOptions options_;
  int64_t epoch_ = 0;
  size_t next_ = 0;  // batch of this epoch
  std::vector<std::vector<int64_t>> batches_;
};

/// Examples sorted by length and cut into batches in this fixed order: for evaluation.
std::vector<std::vector<int64_t>> sorted_batches(const std::vector<ExampleLengths>& lengths,
                                                 const BucketOptions& options);

}  // namespace zoo
