// T5's relative positions: Raffel et al. 2019 (arXiv:1910.10683), §2.1. Each head learns one number
// for each bucket of distances, which all layers add to their scores. Near distances have a bucket
// each; farther ones share theirs, with bounds that grow exponentially.
#pragma once
#include <torch/nn/modules/embedding.h>

#include "models/positions/position.h"

namespace zoo {

struct RelativeBuckets {
  int64_t buckets = 32;        ///< half of them for keys after the query, where those are seen
  int64_t max_distance = 128;  ///< from it on, all share the last bucket
  bool bidirectional = false;  ///< keys after the query have buckets of their own
};

/// distances [...] int64, key minus query -> buckets [...] int64
torch::Tensor relative_buckets(const torch::Tensor& distances, const RelativeBuckets& options);

class BucketedPosition : public Position {
 public:
  BucketedPosition(int64_t heads, const RelativeBuckets& options);
  torch::Tensor relative_bias(int64_t T, int64_t S, torch::Device device) const override;
  torch::nn::Embedding table{nullptr};  // [buckets, H]

 private:
  RelativeBuckets options_;
};

}  // namespace zoo
