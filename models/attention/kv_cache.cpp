// Two buffers a layer, filled from the left; lengths once for all layers.
#include "models/attention/kv_cache.h"

#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <utility>

namespace zoo {
namespace {

/// Ordinary tensors even while decoding in inference mode: they are written to in either mode.
/// Zeros, because a masked value counts 0 times what it is, and 0 times NaN is NaN.
torch::Tensor new_buffer(int64_t rows, int64_t kv_heads, int64_t capacity, int64_t head_width,
                         torch::TensorOptions options) {
  const c10::InferenceMode ordinary(false);
  return torch::zeros({rows, kv_heads, capacity, head_width}, options);
}

torch::Tensor first(const torch::Tensor& t, int64_t rows, int64_t tokens) {
  return (rows == t.size(0) ? t : t.narrow(0, 0, rows)).narrow(2, 0, tokens);
}

/// [B, Hkv, T, Dh] -> [N, Hkv, Dh]
torch::Tensor real_tokens(const torch::Tensor& t, const torch::Tensor& sources) {
  const auto tokens = t.transpose(1, 2).flatten(0, 1);  // [B T, Hkv, Dh]
  return sources.defined() ? tokens.index_select(0, sources) : tokens;
}

/// Row, slot and number in the batch of each real token, where no single slice holds them.
void locate(KvPass& pass, const torch::Tensor& before, const torch::Tensor& counts,
            torch::Device device) {
  std::vector<int64_t> rows, slots, sources;
  const int64_t* const start = before.data_ptr<int64_t>();
  const int64_t* const after = pass.lengths.data_ptr<int64_t>();
  for (int64_t b = 0; b < before.numel(); ++b) {
    for (int64_t slot = start[b]; slot < after[b]; ++slot) {
      rows.push_back(b);
      slots.push_back(slot);
      sources.push_back(b * pass.tokens + slot - start[b]);
    }
  }
  const auto on_device = [&](const std::vector<int64_t>& values) {
    return torch::tensor(values, torch::kLong).to(device);
  };
  pass.rows = on_device(rows);
  pass.slots = on_device(slots);
  if (counts.defined()) pass.sources = on_device(sources);
}

}  // namespace

void KvBuffer::write(const KvPass& pass, const torch::Tensor& k, const torch::Tensor& v) {
  if (!pass.rows.defined()) {
    const int64_t start = pass.longest - pass.tokens;
    first(keys, k.size(0), pass.longest).narrow(2, start, pass.tokens).copy_(k);
    if (values.defined())
      first(values, v.size(0), pass.longest).narrow(2, start, pass.tokens).copy_(v);
    return;
  }
  keys.transpose(1, 2).index_put_({pass.rows, pass.slots}, real_tokens(k, pass.sources));
  if (values.defined())
    values.transpose(1, 2).index_put_({pass.rows, pass.slots}, real_tokens(v, pass.sources));
}

std::pair<torch::Tensor, torch::Tensor> KvBuffer::read(int64_t batch, int64_t length) const {
  const auto k = first(keys, batch, length);
  return {k, values.defined() ? first(values, batch, length) : k};
}

std::vector<torch::Tensor*> KvBuffer::tensors() {
  if (!values.defined()) return {&keys};
  return {&keys, &values};
}

KvCache::KvCache(int64_t batch, int64_t capacity, const std::vector<LayerShape>& layers,
                 torch::TensorOptions options)
    : reserved_(batch), capacity_(capacity), lengths_(torch::zeros({batch}, torch::kLong)) {
  TORCH_CHECK(!layers.empty(), "KvCache: a cache needs at least one layer");
  for (const LayerShape& layer : layers) {
    const auto buffer = [&] {
      return new_buffer(batch, layer.kv_heads, capacity, layer.head_width, options);
    };
    layers_.push_back({buffer(), layer.one_buffer ? torch::Tensor() : buffer()});
    States& states = states_.emplace_back(States{.first = layer.first_state});
    if (!states.first.lengths.defined()) continue;
    states.now = states.first;
    states.now.reorder(torch::zeros({batch}, torch::kLong));
  }
}

KvPass KvCache::begin(int64_t T, const torch::Tensor& counts) const {
  const auto added = counts.defined() ? counts.cpu() : torch::full({batch()}, T, torch::kLong);
  TORCH_CHECK(added.sizes() == lengths_.sizes() && added.scalar_type() == torch::kLong &&
                  added.ge(0).all().item<bool>() && added.le(T).all().item<bool>(),
              "KvCache: counts must be int64 [", batch(), "], each between 0 and the ", T,
              " tokens given");
  KvPass pass{.tokens = T, .lengths = lengths_ + added, .counts = counts};
  if (batch() == 0) return pass;
  pass.longest = pass.lengths.max().item<int64_t>();
  TORCH_CHECK(pass.longest <= capacity(), "KvCache: ", pass.longest,
              " tokens do not fit its capacity of ", capacity());
  const auto device = layers_.front().keys.device();
  if (!uniform_ || counts.defined()) {
    pass.query_start = lengths_.to(device);
    locate(pass, lengths_, counts, device);
  }
  if (pass.lengths.min().item<int64_t>() != pass.longest) {
    pass.key_lengths = pass.lengths.to(device);
  }
  return pass;
}

void KvCache::commit(const KvPass& pass) {
  for (States& layer : states_) {
    if (!layer.after_pass.lengths.defined()) continue;
    layer.before_pass = std::exchange(layer.now, std::exchange(layer.after_pass, {}));
  }
  lengths_before_pass_ = lengths_;
  set_lengths(pass.lengths);
}

void KvCache::reorder(const torch::Tensor& rows) {
  const torch::NoGradGuard no_grad;
  const int64_t after = rows.numel(), before = batch();
  auto lengths = lengths_.index_select(0, rows.cpu());  // first: throws for a row that is not there
  const auto on_device = rows.to(layers_.front().keys.device());
  for (KvBuffer& layer : layers_) {
    for (torch::Tensor* t : layer.tensors()) {
      const auto moved = first(*t, before, longest_).index_select(0, on_device);
      if (after > reserved_)
        *t = new_buffer(after, t->size(1), capacity_, t->size(3), t->options());
      first(*t, after, longest_).copy_(moved);
    }
  }
  for (States& layer : states_) {
    if (layer.now.lengths.defined()) layer.now.reorder(rows);
    layer.before_pass = {};
  }
  lengths_before_pass_.reset();
  reserved_ = std::max(reserved_, after);
  set_lengths(std::move(lengths));
}

void KvCache::truncate(const torch::Tensor& lengths) {
  const auto wanted = lengths.to(torch::kCPU, torch::kLong, /*non_blocking=*/false, /*copy=*/true);
  TORCH_CHECK(wanted.sizes() == lengths_.sizes() && wanted.le(lengths_).all().item<bool>() &&
                  wanted.ge(0).all().item<bool>(),
              "KvCache: truncate must not lengthen a row");
  if (!can_truncate()) rewind_states(wanted);
  set_lengths(wanted);
}

bool KvCache::can_truncate() const {
  return std::ranges::none_of(states_, [](const States& s) { return s.first.lengths.defined(); });
}

/// Rows that stay, rows as they were before the last pass, and rows without tokens.
void KvCache::rewind_states(const torch::Tensor& lengths) {
  if (torch::equal(lengths, lengths_)) return;
  const torch::NoGradGuard no_grad;
  const int64_t B = batch();
  const bool has_before = lengths_before_pass_.defined();
  std::vector<int64_t> rows;
  for (int64_t b = 0; b < B; ++b) {
    const auto wanted = lengths[b].item<int64_t>();
    const bool stays = wanted == lengths_[b].item<int64_t>();
    const bool goes_back = has_before && wanted == lengths_before_pass_[b].item<int64_t>();
    TORCH_CHECK(stays || goes_back || wanted == 0,
                "KvCache: a mixer's state cannot drop single tokens; use softmax attention");
    rows.push_back(stays ? b : goes_back ? B + b : (has_before ? 2 * B : B));
  }
  for (States& layer : states_) {
    if (!layer.now.lengths.defined()) continue;
    if (has_before) layer.now.append(layer.before_pass);
    layer.now.append(layer.first);
    layer.now.reorder(torch::tensor(rows, torch::kLong));
    layer.before_pass = {};
  }
  lengths_before_pass_.reset();
}

void KvCache::append_rows(const KvCache& other) {
  const torch::NoGradGuard no_grad;
  TORCH_CHECK(layers_.size() == other.layers_.size(), "KvCache: rows of a cache with ",
              other.layers_.size(), " layers do not fit one with ", layers_.size());
  const int64_t own = batch(), added = other.batch();
  reserve(own + added, std::max(capacity_, other.capacity_));
  for (size_t n = 0; n < layers_.size(); ++n) {
    const auto [k, v] = other.layers_[n].read(added, other.longest_);
    for (const auto& [to, from] : {std::pair(layers_[n].keys, k), {layers_[n].values, v}}) {
      if (!to.defined()) continue;
      const auto rows = to.narrow(0, own, added);
      rows.narrow(2, 0, other.longest_).copy_(from);
      rows.narrow(2, other.longest_, capacity_ - other.longest_).zero_();
    }
  }
  for (size_t n = 0; n < states_.size(); ++n) {
    if (states_[n].now.lengths.defined()) states_[n].now.append(other.states_[n].now);
    states_[n].before_pass = {};
  }
  lengths_before_pass_.reset();
  set_lengths(torch::cat({lengths_, other.lengths_}));
}

/// Room for at least so many rows and tokens; what is there stays.
void KvCache::reserve(int64_t rows, int64_t capacity) {
  if (rows <= reserved_ && capacity <= capacity_) return;
  // Half as much again: rows that come one by one are not copied each time.
  if (rows > reserved_) reserved_ = std::max(rows, reserved_ + reserved_ / 2);
  for (KvBuffer& layer : layers_) {
    for (torch::Tensor* t : layer.tensors()) {
      const auto larger = new_buffer(reserved_, t->size(1), capacity, t->size(3), t->options());
      first(larger, batch(), longest_).copy_(first(*t, batch(), longest_));
      *t = larger;
    }
  }
  capacity_ = capacity;
}

void KvCache::set_lengths(torch::Tensor lengths) {
  lengths_ = std::move(lengths);
  longest_ = lengths_.numel() == 0 ? 0 : lengths_.max().item<int64_t>();
  uniform_ = lengths_.numel() == 0 || lengths_.min().item<int64_t>() == longest_;
}

std::pair<torch::Tensor, torch::Tensor> KvLayer::append(const torch::Tensor& k,
                                                        const torch::Tensor& v) const {
  KvBuffer& buffer = cache_->layers_.at(layer_);
  const int64_t B = cache_->batch(), T = pass_->tokens;
  TORCH_CHECK(k.dim() == 4 && k.sizes() == v.sizes() && k.size(0) == B &&
                  k.size(1) == buffer.keys.size(1) && k.size(2) == T &&
                  k.size(3) == buffer.keys.size(3),
              "KvCache: k and v must be [", B, ", ", buffer.keys.size(1), ", ", T, ", ",
              buffer.keys.size(3), "], got ", k.sizes(), " and ", v.sizes());
  const torch::NoGradGuard no_grad;
  buffer.write(*pass_, k, v);
  return buffer.read(B, pass_->longest);  // [B, Hkv, S, Dh]
}

MixerState& KvLayer::state() const {
  auto& layer = cache_->states_.at(layer_);
  layer.after_pass = layer.now;
  return layer.after_pass;
}

}  // namespace zoo
