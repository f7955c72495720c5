// Data parallelism as layers see it: this process computes some rows of a batch that several
// processes share. What depends on the whole batch (which row dropout draws for, where an expert is
// full, the mean of an auxiliary loss) comes out as in one process that computes all of it.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace zoo {

struct BatchShard {
  int64_t rank = 0, size = 1;  ///< of this process; number of processes
  int64_t first = 0;           ///< number of this process's first row in the batch
  int64_t rows = 0;            ///< of this process
  int64_t total = 0;           ///< of all
  torch::Tensor places = {};  ///< [rows] int64: their numbers, where they do not follow one another
  /// Rows [N, ...] of this process, of any number -> those of all processes in the order of the
  /// batch. Collective: every process calls it. Empty where layers inside need none (an expert).
  std::function<torch::Tensor(const torch::Tensor& rows)> gather = {};
};

/// Part `rank` of `size` parts of `total` rows, which follow one another and are about equal.
BatchShard shard_of(int64_t total, int64_t rank, int64_t size);

/// While one lives, forward passes on this thread compute this shard.
class BatchShardGuard {
 public:
  explicit BatchShardGuard(BatchShard shard);
  ~BatchShardGuard();
  BatchShardGuard(const BatchShardGuard&) = delete;
  BatchShardGuard& operator=(const BatchShardGuard&) = delete;

  /// This thread's newest; null if there is none.
  static const BatchShard* current();

 private:
  BatchShard shard_;
  const BatchShard* outer_;  // the one that is this thread's again afterwards
};

/// While one lives, what this thread computes is a batch of its own again.
class WholeBatchGuard {
 public:
  WholeBatchGuard();
  ~WholeBatchGuard();
  WholeBatchGuard(const WholeBatchGuard&) = delete;
  WholeBatchGuard& operator=(const WholeBatchGuard&) = delete;

 private:
  const BatchShard* outer_;
};

/// x [total, ...] -> [rows, ...]
torch::Tensor rows_of(const BatchShard& shard, const torch::Tensor& x);

/// Random numbers for the rows of a batch. `draw` makes them for a shape whose first dimension is
/// the batch; in a shard it makes those of all rows, of which the shard's are returned.
template <class Draw>
torch::Tensor draw_rows(std::vector<int64_t> shape, Draw&& draw) {
  const BatchShard* const shard = BatchShardGuard::current();
  if (shard == nullptr) return draw(shape);
  shape.front() = shard->total;
  return rows_of(*shard, draw(shape));
}

/// value [...] summed over the shards of the batch; itself where there are no others. No gradient.
torch::Tensor sum_over_shards(const torch::Tensor& value);

}  // namespace zoo
