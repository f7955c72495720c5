#include "models/layers/batch_shard.h"

#include <torch/utils.h>

#include <utility>

namespace zoo {
namespace {

thread_local const BatchShard* newest_shard = nullptr;

}  // namespace

BatchShard shard_of(int64_t total, int64_t rank, int64_t size) {
  const int64_t first = total * rank / size;
  return {.rank = rank,
          .size = size,
          .first = first,
          .rows = total * (rank + 1) / size - first,
          .total = total};
}

BatchShardGuard::BatchShardGuard(BatchShard shard)
    : shard_(std::move(shard)), outer_(newest_shard) {
  newest_shard = &shard_;
}

BatchShardGuard::~BatchShardGuard() { newest_shard = outer_; }

WholeBatchGuard::WholeBatchGuard() : outer_(std::exchange(newest_shard, nullptr)) {}

WholeBatchGuard::~WholeBatchGuard() { newest_shard = outer_; }

const BatchShard* BatchShardGuard::current() { return newest_shard; }

torch::Tensor rows_of(const BatchShard& shard, const torch::Tensor& x) {
  return shard.places.defined() ? x.index_select(0, shard.places)
                                : x.narrow(0, shard.first, shard.rows);
}

torch::Tensor sum_over_shards(const torch::Tensor& value) {
  const BatchShard* const shard = BatchShardGuard::current();
  if (shard == nullptr) return value;
  const torch::NoGradGuard no_grad;
  return shard->gather(value.unsqueeze(0)).sum(0);  // [shards, ...] -> [...]
}

}  // namespace zoo
