// Buckets of distances, and the table of biases by distance that they give.
#include "models/positions/bucketed.h"

#include <c10/util/Exception.h>

#include <cmath>

namespace zoo {

torch::Tensor relative_buckets(const torch::Tensor& distances, const RelativeBuckets& options) {
  int64_t buckets = options.buckets;
  auto first = torch::zeros_like(distances);
  auto far = distances.neg().clamp_min(0);  // how far the key lies behind the query
  if (options.bidirectional) {
    buckets /= 2;
    first = distances.gt(0).to(torch::kLong) * buckets;
    far = distances.abs();
  }
  // A bucket each up to `exact`, then as many again up to max_distance. In float32 and in this
  // order of operations, as T5's checkpoints were trained: bounds depend on the rounding.
  const int64_t exact = buckets / 2;
  const auto exponent =
      torch::log(far.clamp_min(1).to(torch::kFloat) / exact) /
      std::log(static_cast<double>(options.max_distance) / static_cast<double>(exact));
  const auto shared =
      (exact + (exponent * (buckets - exact)).to(torch::kLong)).clamp_max(buckets - 1);
  return first + torch::where(far.lt(exact), far, shared);
}

BucketedPosition::BucketedPosition(int64_t heads, const RelativeBuckets& options)
    : options_(options) {
  const int64_t sides = options.bidirectional ? 2 : 1;
  TORCH_CHECK(options.buckets >= 2 * sides && options.buckets % sides == 0,
              "relative positions: buckets must be ",
              sides == 2 ? "even and 4 or more" : "2 or more", ", got ", options.buckets);
  TORCH_CHECK(options.max_distance > options.buckets / sides / 2,
              "relative positions: the largest distance must be above ",
              options.buckets / sides / 2, ", which have a bucket each, got ",
              options.max_distance);
  table = register_module("relative_bias", torch::nn::Embedding(options.buckets, heads));
}

torch::Tensor BucketedPosition::relative_bias(int64_t T, int64_t S, torch::Device device) const {
  const auto buckets = relative_buckets(relative_distances(T, S), options_).to(device);
  return table->weight.index_select(0, buckets).transpose(0, 1).contiguous();  // [H, T + S - 1]
}

}  // namespace zoo
