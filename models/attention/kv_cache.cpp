// Two buffers a layer, filled from the left; lengths once for all layers.
#include "models/attention/kv_cache.h"

#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <iterator>
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
void locate(KvPlan& plan, int64_t T, const torch::Tensor& before, const torch::Tensor& added,
            torch::Device device) {
  std::vector<int64_t> rows, slots, sources;
  const int64_t* const start = before.data_ptr<int64_t>();
  const int64_t* const count = added.data_ptr<int64_t>();
  for (int64_t b = 0; b < before.numel(); ++b) {
    for (int64_t t = 0; t < count[b]; ++t) {
      rows.push_back(b);
      slots.push_back(start[b] + t);
      sources.push_back(b * T + t);
    }
  }
  const auto on_device = [&](const std::vector<int64_t>& values) {
    return torch::tensor(values, torch::kLong).to(device);
  };
  plan.rows = on_device(rows);
  plan.slots = on_device(slots);
  if (std::ssize(sources) < before.numel() * T) plan.sources = on_device(sources);
}

/// In row `row` of t [rows, Hkv, room, Dh], what follows `gone` tokens after slot `begin` moves up.
void close_gap(const torch::Tensor& t, int64_t row, int64_t begin, int64_t gone, int64_t end) {
  const auto tokens = t.select(0, row);  // [Hkv, room, Dh]
  const int64_t count = end - begin - gone;
  tokens.narrow(1, begin, count).copy_(tokens.narrow(1, begin + gone, count).clone());
}

/// Rolling layers keep so many tokens more than they need: a text may go back by as many.
constexpr int64_t kSpare = 32;

/// What a rolling layer keeps when it drops others.
int64_t kept(const KvKind& kind) { return kind.sinks + kind.window - 1 + kSpare; }

}  // namespace

int64_t rolling_room(int64_t window, int64_t sinks) { return sinks + 2 * window + kSpare; }

void KvBuffer::write(const KvPlan& plan, const torch::Tensor& k, const torch::Tensor& v) {
  if (!plan.rows.defined()) {
    const int64_t T = k.size(2), start = plan.longest - T;
    first(keys, k.size(0), plan.longest).narrow(2, start, T).copy_(k);
    if (values.defined()) first(values, v.size(0), plan.longest).narrow(2, start, T).copy_(v);
    return;
  }
  keys.transpose(1, 2).index_put_({plan.rows, plan.slots}, real_tokens(k, plan.sources));
  if (values.defined())
    values.transpose(1, 2).index_put_({plan.rows, plan.slots}, real_tokens(v, plan.sources));
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
    const auto same = [&](const KvKind& kind) {
      return kind.window == layer.window && kind.sinks == layer.sinks;
    };
    auto kind = std::ranges::find_if(kinds_, same);
    if (kind == kinds_.end()) {
      kinds_.push_back({.window = layer.window,
                        .sinks = layer.sinks,
                        .dropped = torch::zeros({batch}, torch::kLong)});
      kind = std::prev(kinds_.end());
      kind->room = usual_room(*kind);
    }
    const auto buffer = [&] {
      return new_buffer(batch, layer.kv_heads, kind->room, layer.head_width, options);
    };
    layers_.push_back({buffer(), layer.one_buffer ? torch::Tensor() : buffer(),
                       static_cast<size_t>(kind - kinds_.begin())});
    States& states = states_.emplace_back(States{.first = layer.first_state});
    if (!states.first.lengths.defined()) continue;
    states.now = states.first;
    states.now.reorder(torch::zeros({batch}, torch::kLong));
  }
}

int64_t KvCache::usual_room(const KvKind& kind) const {
  return kind.window > 0 ? std::min(capacity_, rolling_room(kind.window, kind.sinks)) : capacity_;
}

/// [B] int64: tokens of each row that layers of a kind hold.
torch::Tensor KvCache::held(const KvKind& kind) const {
  return kind.window > 0 ? lengths_ - kind.dropped : lengths_;
}

int64_t KvCache::longest_of(const KvKind& kind) const {
  return batch() == 0 ? 0 : held(kind).max().item<int64_t>();
}

KvPass KvCache::begin(int64_t T, const torch::Tensor& counts) {
  const auto added = counts.defined() ? counts.cpu() : torch::full({batch()}, T, torch::kLong);
  TORCH_CHECK(added.sizes() == lengths_.sizes() && added.scalar_type() == torch::kLong &&
                  added.ge(0).all().item<bool>() && added.le(T).all().item<bool>(),
              "KvCache: counts must be int64 [", batch(), "], each between 0 and the ", T,
              " tokens given");
  KvPass pass{.tokens = T, .lengths = lengths_ + added, .counts = counts};
  pass.plans.resize(kinds_.size());
  if (batch() == 0) return pass;
  const auto longest = pass.lengths.max().item<int64_t>();
  TORCH_CHECK(longest <= capacity(), "KvCache: ", longest, " tokens do not fit its capacity of ",
              capacity());
  for (size_t n = 0; n < kinds_.size(); ++n) {
    const auto needed = [&] { return (held(kinds_[n]) + added).max().item<int64_t>(); };
    if (needed() > kinds_[n].room) drop_old(n);
    if (needed() > kinds_[n].room) resize(n, needed());  // until commit()
    pass.plans[n] = plan(kinds_[n], T, added, counts.defined());
    pass.longest = std::max(pass.longest, pass.plans[n].longest);
  }
  return pass;
}

KvPlan KvCache::plan(const KvKind& kind, int64_t T, const torch::Tensor& added, bool ragged) const {
  const auto before = held(kind), after = before + added;
  const bool even = before.min().item<int64_t>() == before.max().item<int64_t>();
  const auto device = layers_.front().keys.device();
  KvPlan plan{.longest = after.max().item<int64_t>()};
  if (!even || ragged) {
    plan.query_start = before.to(device);
    locate(plan, T, before, added, device);
  }
  if (after.min().item<int64_t>() != plan.longest) plan.key_lengths = after.to(device);
  if (kind.window > 0 && kind.dropped.gt(0).any().item<bool>()) {
    const auto slots = torch::arange(plan.longest, torch::kLong).unsqueeze(0);  // [1, S]
    plan.key_positions = (slots + slots.ge(kind.sinks) * kind.dropped.unsqueeze(1)).to(device);
  }
  return plan;
}

/// Drops what neither a next token needs nor one after going back by kSpare.
void KvCache::drop_old(size_t kind) {
  KvKind& of = kinds_[kind];
  if (of.window == 0 || batch() == 0) return;
  const torch::NoGradGuard no_grad;
  const auto holds = held(of), gone = (holds - kept(of)).clamp_min(0);  // [B]
  for (KvBuffer& layer : layers_) {
    if (layer.kind != kind) continue;
    for (int64_t b = 0; b < batch(); ++b) {
      const auto count = gone[b].item<int64_t>(), end = holds[b].item<int64_t>();
      if (count == 0) continue;
      for (const torch::Tensor* t : layer.tensors()) close_gap(*t, b, of.sinks, count, end);
    }
  }
  of.dropped = of.dropped + gone;
}

/// Gives the buffers of one kind room for so many tokens a row and `reserved_` rows; what is there
/// stays.
void KvCache::resize(size_t kind, int64_t room) {
  const torch::NoGradGuard no_grad;
  const int64_t longest = longest_of(kinds_[kind]);
  for (KvBuffer& layer : layers_) {
    if (layer.kind != kind) continue;
    for (torch::Tensor* t : layer.tensors()) {
      const auto other = new_buffer(reserved_, t->size(1), room, t->size(3), t->options());
      first(other, batch(), longest).copy_(first(*t, batch(), longest));
      *t = other;
    }
  }
  kinds_[kind].room = room;
}

void KvCache::commit(const KvPass& pass) {
  for (States& layer : states_) {
    if (!layer.after_pass.lengths.defined()) continue;
    layer.before_pass = std::exchange(layer.now, std::exchange(layer.after_pass, {}));
  }
  lengths_before_pass_ = lengths_;
  set_lengths(pass.lengths);
  for (size_t n = 0; n < kinds_.size(); ++n) {
    if (kinds_[n].room <= usual_room(kinds_[n])) continue;  // a long pass has had its room
    drop_old(n);
    resize(n, usual_room(kinds_[n]));
  }
}

void KvCache::reorder(const torch::Tensor& rows) {
  const torch::NoGradGuard no_grad;
  const int64_t after = rows.numel(), before = batch();
  auto lengths = lengths_.index_select(0, rows.cpu());  // first: throws for a row that is not there
  const auto on_device = rows.to(layers_.front().keys.device());
  for (KvBuffer& layer : layers_) {
    const int64_t longest = longest_of(kinds_[layer.kind]);
    for (torch::Tensor* t : layer.tensors()) {
      const auto moved = first(*t, before, longest).index_select(0, on_device);
      if (after > reserved_)
        *t = new_buffer(after, t->size(1), t->size(2), t->size(3), t->options());
      first(*t, after, longest).copy_(moved);
    }
  }
  for (States& layer : states_) {
    if (layer.now.lengths.defined()) layer.now.reorder(rows);
    layer.before_pass = {};
  }
  lengths_before_pass_.reset();
  reserved_ = std::max(reserved_, after);
  for (KvKind& kind : kinds_) kind.dropped = kind.dropped.index_select(0, rows.cpu());
  set_lengths(std::move(lengths));
}

torch::Tensor KvCache::shortest() const {
  auto all = torch::zeros_like(lengths_);
  for (const KvKind& kind : kinds_) {
    const auto needed = (kind.dropped + (kind.sinks + kind.window - 1)) * kind.dropped.gt(0);
    all = torch::maximum(all, needed);
  }
  return all;
}

void KvCache::truncate(const torch::Tensor& lengths) {
  const auto wanted = lengths.to(torch::kCPU, torch::kLong, /*non_blocking=*/false, /*copy=*/true);
  TORCH_CHECK(wanted.sizes() == lengths_.sizes() && wanted.le(lengths_).all().item<bool>() &&
                  wanted.ge(0).all().item<bool>(),
              "KvCache: truncate must not lengthen a row");
  const auto far_back = wanted.gt(0) & wanted.lt(lengths_) & wanted.lt(shortest());  // [B]
  TORCH_CHECK(!far_back.any().item<bool>(), "KvCache: a row cannot go back to ",
              wanted.masked_select(far_back)[0].item<int64_t>(),
              " tokens: its rolling layers have dropped some of those; read its text again");
  for (KvKind& kind : kinds_) kind.dropped = kind.dropped * wanted.gt(0);
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
  capacity_ = std::max(capacity_, other.capacity_);
  reserve(own + added);
  for (size_t n = 0; n < kinds_.size(); ++n) {
    const int64_t room = std::max(usual_room(kinds_[n]), other.kinds_[n].room);
    if (room > kinds_[n].room) resize(n, room);
  }
  for (size_t n = 0; n < layers_.size(); ++n) {
    const KvKind& kind = other.kinds_[other.layers_[n].kind];
    const int64_t longest = other.longest_of(kind);
    const auto [k, v] = other.layers_[n].read(added, longest);
    for (const auto& [to, from] : {std::pair(layers_[n].keys, k), {layers_[n].values, v}}) {
      if (!to.defined()) continue;
      const auto rows = to.narrow(0, own, added);
      rows.narrow(2, 0, longest).copy_(from);
      rows.narrow(2, longest, rows.size(2) - longest).zero_();
    }
  }
  for (size_t n = 0; n < states_.size(); ++n) {
    if (states_[n].now.lengths.defined()) states_[n].now.append(other.states_[n].now);
    states_[n].before_pass = {};
  }
  lengths_before_pass_.reset();
  for (size_t n = 0; n < kinds_.size(); ++n)
    kinds_[n].dropped = torch::cat({kinds_[n].dropped, other.kinds_[n].dropped});
  set_lengths(torch::cat({lengths_, other.lengths_}));
}

/// Room for at least so many rows; what is there stays.
void KvCache::reserve(int64_t rows) {
  if (rows <= reserved_) return;
  // Half as much again: rows that come one by one are not copied each time.
  reserved_ = std::max(rows, reserved_ + reserved_ / 2);
  for (size_t n = 0; n < kinds_.size(); ++n) resize(n, kinds_[n].room);
}

size_t KvCache::bytes() const {
  size_t all = 0;
  for (KvBuffer layer : layers_)
    for (const torch::Tensor* t : layer.tensors()) all += t->nbytes();
  return all;
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
  buffer.write(plan(), k, v);
  return buffer.read(B, plan().longest);  // [B, Hkv, S, Dh]
}

const KvPlan& KvLayer::plan() const { return pass_->plans.at(cache_->layers_.at(layer_).kind); }

torch::Tensor KvLayer::query_positions() const {
  const auto& lengths = cache_->lengths();
  const auto start = cache_->uniform() && cache_->batch() > 0 ? lengths.narrow(0, 0, 1) : lengths;
  return (start.unsqueeze(1) + torch::arange(pass_->tokens, torch::kLong))
      .to(cache_->layers_.front().keys.device());
}

torch::Tensor KvLayer::key_positions() const {
  if (plan().key_positions.defined()) return plan().key_positions;
  const auto slots = torch::arange(plan().longest, torch::kLong).unsqueeze(0);  // [1, S]
  return slots.to(cache_->layers_.front().keys.device());
}

MixerState& KvLayer::state() const {
  auto& layer = cache_->states_.at(layer_);
  layer.after_pass = layer.now;
  return layer.after_pass;
}

}  // namespace zoo
