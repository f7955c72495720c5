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
// Rolling layers. A layer with a sliding window needs its last `window` tokens, and the first
// `sinks` where it has sinks (Xiao et al. 2023, arXiv:2309.17453). It drops others from time to
// time, so its memory does not grow with the text: fewer than sinks + 2 window + 32 tokens stay.
// What it holds is in order and without gaps in memory, so kernels see plain slices.
//
// How it can grow. Only KvBuffer knows how a layer's tokens lie in memory; begin() alone decides
// where they go.
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

/// Where the T new tokens of each row go, in layers that keep the same ones. A slot is a token's
/// place in its row of the buffer.
struct KvPlan {
  int64_t longest = 0;             ///< S: tokens of the longest row after the pass
  torch::Tensor query_start = {};  ///< [B] int64: slot of each row's first new token; undefined
                                   ///< where all rows are equally long and bring all T
  torch::Tensor key_lengths = {};  ///< [B] int64: tokens of each row after the pass; undefined
                                   ///< where all rows are equally long then
  /// Of the N real tokens: row, slot in the row, and number b T + t in the batch; [N] int64.
  /// Undefined where one slice holds them all, `sources` also where all B T tokens are real.
  torch::Tensor rows = {}, slots = {}, sources = {};
  /// [B or 1, S] int64: position in the text of each slot's token. Undefined: the slot's number.
  torch::Tensor key_positions = {};
};

/// The most tokens of a row that a rolling layer has room for.
int64_t rolling_room(int64_t window, int64_t sinks);

/// T new tokens a row on their way through all layers.
struct KvPass {
  int64_t tokens = 0;          ///< T
  torch::Tensor lengths = {};  ///< [B] int64 on the CPU: tokens of each row's text after the pass
  torch::Tensor counts = {};   ///< [B] int64: new tokens of each row; undefined: all T
  int64_t longest = 0;         ///< of the plans: no layer sees more keys
  std::vector<KvPlan> plans = {};  ///< one for each kind of layer
};

/// Keys and values of one layer, [rows, Hkv, capacity, Dh] each.
struct KvBuffer {
  torch::Tensor keys, values;  // values undefined: they are the keys
  size_t kind = 0;             // which plan of a pass is the layer's

  /// k, v [B, Hkv, T, Dh] go where the plan says.
  void write(const KvPlan& plan, const torch::Tensor& k, const torch::Tensor& v);
  /// Views of the first `batch` rows' first `length` tokens: [batch, Hkv, length, Dh].
  std::pair<torch::Tensor, torch::Tensor> read(int64_t batch, int64_t length) const;
  /// Those that there are.
  std::vector<torch::Tensor*> tensors();
};

/// What layers of one kind keep.
struct KvKind {
  int64_t window = 0;          ///< the last so many tokens; 0: all
  int64_t sinks = 0;           ///< and the first so many
  int64_t room = 0;            ///< tokens of a row of the buffers
  torch::Tensor dropped = {};  ///< [B] int64: tokens of each row after the sinks that are gone
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
    int64_t window = 0;           ///< tokens that a query sees back, its own included; 0: all
    int64_t sinks = 0;            ///< and of the first, with a window
    MixerState first_state = {};  ///< of one row, for a mixer in attention's place: no keys then
  };
  /// Room for `capacity` tokens in each of `batch` rows. `options`: dtype and device.
  KvCache(int64_t batch, int64_t capacity, const std::vector<LayerShape>& layers,
          torch::TensorOptions options);

  /// Plans a pass of T tokens a row, of which row b brings the first counts[b] ([B] int64;
  /// undefined: all T). Rolling layers make room. Throws c10::Error where a row would outgrow the
  /// capacity.
  KvPass begin(int64_t T, const torch::Tensor& counts = {});
  /// The rows hold the tokens of the pass from now on.
  void commit(const KvPass& pass);

  /// Row b becomes a copy of old row rows[b]: beams, samples; rows that are left out are gone.
  /// rows [B'] int64; B' may be 0, or larger than B.
  void reorder(const torch::Tensor& rows);
  /// Drops the tokens of row b from lengths[b] on: [B] int64, none longer than now. Throws
  /// c10::Error where a mixer's state cannot, which goes back to before the last pass or to 0, and
  /// for a length above 0 and below shortest()[b].
  void truncate(const torch::Tensor& lengths);
  /// Whether truncate() can go back to any length: no layer has a mixer with a state.
  bool can_truncate() const;
  /// [B] int64: how far back a row can go without missing a token that a rolling layer has dropped.
  torch::Tensor shortest() const;
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
  /// Of all buffers.
  size_t bytes() const;

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
  void reserve(int64_t rows);
  torch::Tensor held(const KvKind& kind) const;
  int64_t longest_of(const KvKind& kind) const;
  int64_t usual_room(const KvKind& kind) const;
  void resize(size_t kind, int64_t room);
  void drop_old(size_t kind);
  KvPlan plan(const KvKind& kind, int64_t T, const torch::Tensor& added, bool ragged) const;

  std::vector<KvBuffer> layers_;  // with room for `reserved_` rows, of which the first B are used
  std::vector<KvKind> kinds_;
  std::vector<States> states_;  // one a layer
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
  const KvPlan& plan() const;
  /// Positions in the text, int64: of the new tokens [B or 1, T], of the keys [B or 1, S].
  torch::Tensor query_positions() const;
  torch::Tensor key_positions() const;

 private:
  KvCache* cache_;
  const KvPass* pass_;
  size_t layer_;
};

}  // namespace zoo
