// Keys and values that a decoder has already computed, so that each new token costs one row instead
// of all.
//
// All layers of a model hold the same tokens, so one object serves them all: lengths, and with them
// position ids and masks, are kept once. A forward pass is a transaction:
//   const KvPass pass = cache.begin(T, counts);       // where the new tokens go
//   for each layer: KvLayer(cache, pass, n).append(k, v);
//   cache.commit(pass);                               // from here on the rows are longer
// A pass that throws on its way leaves the cache as it was.
//
// How it can grow. Only KvBuffer knows how a layer's tokens lie in memory; begin() alone decides
// where they go.
//   Rolling caches (sliding windows): a layer's shape gets a capacity of its own, and begin() gives
//     slot = position % capacity.
//   Paged blocks: a buffer becomes [blocks, Hkv, block size, Dh], begin() fills a table of blocks a
//     row and turns (row, position) into (block, offset).
//   Quantised keys: a buffer stores int8 and scales, write() rounds and read() restores.
#pragma once
#include <torch/types.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "models/mixers/mixer.h"

namespace zoo {

/// T new tokens a row on their way through all layers.
struct KvPass {
  int64_t tokens = 0;              ///< T
  int64_t longest = 0;             ///< S: tokens of the longest row after the pass
  torch::Tensor lengths = {};      ///< [B] int64 on the CPU: tokens of each row after the pass
  torch::Tensor counts = {};       ///< [B] int64: new tokens of each row; undefined: all T
  torch::Tensor query_start = {};  ///< [B] int64: position of each row's first new token; undefined
                                   ///< where all rows are equally long and bring all T
  torch::Tensor key_lengths = {};  ///< the same numbers as `lengths`, on the cache's device;
                                   ///< undefined where all rows are equally long after the pass
  /// Of the N real tokens: row, position in the row, and number b T + t in the batch; [N] int64.
  /// Undefined where one slice holds them all, `sources` also where all B T tokens are real.
  torch::Tensor rows = {}, slots = {}, sources = {};
};

/// Keys and values of one layer, [rows, Hkv, capacity, Dh] each.
struct KvBuffer {
  torch::Tensor keys, values;  // values undefined: they are the keys

  /// k, v [B, Hkv, T, Dh] go where the pass says.
  void write(const KvPass& pass, const torch::Tensor& k, const torch::Tensor& v);
  /// Views of the first `batch` rows' first `length` tokens: [batch, Hkv, length, Dh].
  std::pair<torch::Tensor, torch::Tensor> read(int64_t batch, int64_t length) const;
  /// Those that there are.
  std::vector<torch::Tensor*> tensors();
};

/// The cache of all layers. Rows of a batch may hold different numbers of tokens (prompts of
/// different length, rejected drafts): row b's tokens lie at 0 .. length_b - 1, what comes after
/// is unused.
class KvCache {
 public:
  struct LayerShape {
    int64_t kv_heads = 0;         ///< Hkv
    int64_t head_width = 0;       ///< Dh
    bool one_buffer = false;      ///< values are the keys, and kept once
    MixerState first_state = {};  ///< of one row, for a mixer in attention's place: no keys then
  };
  /// Room for `capacity` tokens in each of `batch` rows. `options`: dtype and device.
  KvCache(int64_t batch, int64_t capacity, const std::vector<LayerShape>& layers,
          torch::TensorOptions options);

  /// Plans a pass of T tokens a row, of which row b brings the first counts[b] ([B] int64;
  /// undefined: all T). Throws c10::Error where a row would outgrow the capacity.
  KvPass begin(int64_t T, const torch::Tensor& counts = {}) const;
  /// The rows hold the tokens of the pass from now on.
  void commit(const KvPass& pass);

  /// Row b becomes a copy of old row rows[b]: beams, samples; rows that are left out are gone.
  /// rows [B'] int64; B' may be 0, or larger than B.
  void reorder(const torch::Tensor& rows);
  /// Drops the tokens of row b from lengths[b] on: [B] int64, none longer than now. Throws
  /// c10::Error where a mixer's state cannot: it goes back to before the last pass, or to 0.
  void truncate(const torch::Tensor& lengths);
  /// Whether truncate() can go back to any length: no layer has a mixer with a state.
  bool can_truncate() const;
  /// Copies the rows of a cache with the same layers behind its own. The capacity becomes the
  /// larger of the two.
  void append_rows(const KvCache& other);

  int64_t batch() const { return lengths_.numel(); }
  /// [B] int64 on the CPU.
  const torch::Tensor& lengths() const { return lengths_; }
  int64_t longest() const { return longest_; }
  /// Whether all rows are equally long: the common case, served by plain slices.
  bool uniform() const { return uniform_; }
  int64_t capacity() const { return capacity_; }

 private:
  friend class KvLayer;
  /// Of one layer; without lengths where it has none.
  struct States {
    MixerState first = {};  ///< of one row
    MixerState now = {}, before_pass = {};
    MixerState after_pass = {};  ///< until the pass is committed
  };
  void set_lengths(torch::Tensor lengths);
  void rewind_states(const torch::Tensor& lengths);
  void reserve(int64_t rows, int64_t capacity);

  std::vector<KvBuffer> layers_;  // with room for `reserved_` rows, of which the first B are used
  std::vector<States> states_;    // one a layer
  int64_t reserved_ = 0, capacity_ = 0;
  torch::Tensor lengths_;              // [B]
  torch::Tensor lengths_before_pass_;  // [B], or undefined
  int64_t longest_ = 0;
  bool uniform_ = true;
};

/// One layer's view of the cache during one pass.
class KvLayer {
 public:
  KvLayer(KvCache& cache, const KvPass& pass, size_t layer)
      : cache_(&cache), pass_(&pass), layer_(layer) {}

  /// k, v [B, Hkv, T, Dh] of the new tokens -> views of the cache [B, Hkv, S, Dh], theirs included.
  std::pair<torch::Tensor, torch::Tensor> append(const torch::Tensor& k,
                                                 const torch::Tensor& v) const;
  /// What a mixer reads and changes: commit() makes the change last.
  MixerState& state() const;
  const KvPass& pass() const { return *pass_; }

 private:
  KvCache* cache_;
  const KvPass* pass_;
  size_t layer_;
};

}  // namespace zoo
