// Keys and values that a decoder has already computed, so that each new token costs one row instead
// of all.
#pragma once
#include <torch/types.h>

#include <utility>

namespace zoo {

/// One layer's cache, allocated once. Rows of a batch may hold different numbers of tokens (prompts
/// of different length, rejected drafts): row b's tokens lie at 0 .. length_b - 1, what comes after
/// is unused.
class KvCache {
 public:
  KvCache(int64_t batch, int64_t kv_heads, int64_t capacity, int64_t head_width,
          torch::TensorOptions options);

  /// k, v [B, Hkv, T, Dh], of which row b brings the first counts[b] (undefined: all T) -> views of
  /// the cache [B, Hkv, S, Dh] with S = the longest row. Throws c10::Error when a row would outgrow
  /// the capacity.
  std::pair<torch::Tensor, torch::Tensor> append(const torch::Tensor& k, const torch::Tensor& v,
                                                 const torch::Tensor& counts = {});
  /// Row b becomes a copy of old row rows[b]: beams. rows [B'] int64; B' may differ from B.
  void reorder(const torch::Tensor& rows);
  /// Forgets the tokens of row b from lengths[b] on: [B] int64, none longer than now.
  void truncate(const torch::Tensor& lengths);

  /// [B] int64 on the CPU.
  const torch::Tensor& lengths() const { return lengths_; }
  int64_t longest() const { return longest_; }
  bool uniform() const { return uniform_; }
  int64_t capacity() const { return keys_.size(2); }

 private:
  void set_lengths(torch::Tensor lengths);
  torch::Tensor keys_, values_;  // [B, Hkv, capacity, Dh]
  torch::Tensor lengths_;        // [B]
  int64_t longest_ = 0;
  bool uniform_ = true;  // all rows equally long: the common case, served by plain slices
};

}  // namespace zoo
