// Projections around attend(): split into heads, rotate, cache, attend, merge.
#include "models/attention/multi_head_attention.h"

#include <c10/util/Exception.h>
#include <torch/nn/functional/linear.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "models/attention/head_regularisation.h"
#include "models/layers/auxiliary_losses.h"
#include "models/positions/transformer_xl.h"

namespace zoo {
namespace {

// [B, T, H Dh] -> [B, H, T, Dh]
torch::Tensor split_heads(const torch::Tensor& t, int64_t heads) {
  return t.unflatten(-1, {heads, -1}).transpose(1, 2);
}
// [B, H, T, Dh] -> [B, T, H Dh]
torch::Tensor merge_heads(const torch::Tensor& t) { return t.transpose(1, 2).flatten(2); }

MultiHeadAttentionOptions resolved(MultiHeadAttentionOptions o) {
  TORCH_CHECK(o.d_model > 0 && o.heads > 0,
              "MultiHeadAttention: d_model and heads must be positive, got ", o.d_model, " and ",
              o.heads);
  TORCH_CHECK(o.head_width > 0 || (o.head_width == 0 && o.d_model % o.heads == 0),
              "MultiHeadAttention: d_model must be a multiple of heads, got d_model ", o.d_model,
              " and heads ", o.heads, "; try d_model ", o.heads * (o.d_model / o.heads + 1),
              " or name a head width");
  if (o.head_width == 0) o.head_width = o.d_model / o.heads;
  if (o.kv_heads == 0) o.kv_heads = o.heads;
  TORCH_CHECK(o.kv_heads > 0 && o.heads % o.kv_heads == 0,
              "MultiHeadAttention: kv_heads must divide heads, got ", o.kv_heads, " and ", o.heads);
  TORCH_CHECK(o.dropout >= 0.0 && o.dropout < 1.0,
              "MultiHeadAttention: dropout must be in [0, 1), got ", o.dropout);
  TORCH_CHECK(o.head_dropout >= 0.0 && o.head_dropout < 1.0,
              "MultiHeadAttention: head_dropout must be in [0, 1), got ", o.head_dropout);
  TORCH_CHECK(std::isfinite(o.head_diversity) && o.head_diversity >= 0.0,
              "MultiHeadAttention: head_diversity must be 0 or more, got ", o.head_diversity);
  TORCH_CHECK(std::isfinite(o.score_cap) && o.score_cap >= 0.0,
              "MultiHeadAttention: score_cap must be 0 or more, got ", o.score_cap);
  attention_kernel(o.kernel);  // an unknown name is an error now, not at the first step
  return o;
}

/// The layer's own kernel; where weights are wanted and it does not form them, "matmul".
const AttentionKernel& kernel_for(const std::string& own_name, const torch::Tensor& q,
                                  const torch::Tensor& k, const torch::Tensor& v,
                                  const AttendArgs& args) {
  const AttentionKernel& own = attention_kernel(own_name);
  const bool fits = args.weights == nullptr || own.refuses(q, k, v, args).empty();
  return fits ? own : attention_kernel("matmul");
}

}  // namespace

MultiHeadAttentionImpl::MultiHeadAttentionImpl(const MultiHeadAttentionOptions& options_)
    : options(resolved(options_)) {
  const int64_t C = options.d_model, Dh = options.head_width;
  const int64_t rows = (options.heads + 2 * options.kv_heads) * Dh;
  if (options.latent) {
    latent = register_module(
        "latent", LatentProjections(C, options.heads, Dh, options.bias, *options.latent));
  } else {
    in_proj = register_module(
        "in_proj", torch::nn::Linear(torch::nn::LinearOptions(C, rows).bias(options.bias)));
  }
  out_proj = register_module(
      "out_proj",
      torch::nn::Linear(torch::nn::LinearOptions(options.heads * Dh, C).bias(options.out_bias)));
  if (options.distance_keys) {
    distance_proj = register_module(
        "distance_proj",
        torch::nn::Linear(torch::nn::LinearOptions(C, options.kv_heads * Dh).bias(false)));
  }
  if (options.qk_norm) {
    q_norm = register_module("q_norm", Norm(Dh, *options.qk_norm));
    k_norm = register_module("k_norm", Norm(Dh, *options.qk_norm));
  }
}

void place(SelfAttentionContext& context, int64_t T, const KvPass* pass) {
  context.placed = true;
  if (context.position == nullptr) return;
  const Position& position = *context.position;
  const auto device = context.positions.defined() ? context.positions.device() : torch::kCPU;
  const int64_t M = context.memory.defined() ? context.memory.size(1) : 0;
  const int64_t S = pass != nullptr ? pass->longest : M + T;
  const auto lengths = pass != nullptr ? pass->lengths : context.args.key_lengths;  // [B]
  context.rotation = position.rotation(M > 0 ? context.positions + M : context.positions, lengths);
  if (M > 0 && context.rotation.defined())  // memory is position 0 to M - 1
    context.key_rotation =
        position.rotation(torch::arange(S, context.positions.options()).unsqueeze(0));
  if (pass != nullptr && position.rotation_follows_length()) {
    // A cache holds each row's tokens from position 0 on.
    const auto cached = torch::arange(S, torch::kLong).unsqueeze(0).to(device);  // [1, S]
    context.key_rotation = position.rotation(cached, lengths);
  }
  context.relative_bias = position.relative_bias(T, S, device);
  const bool hides_ahead = context.args.causal && !context.args.prefix_lengths.defined();
  context.distances =
      position.distance_vectors(S, hides_ahead ? 1 : std::max<int64_t>(1, T - 1), device);
}

MultiHeadAttentionImpl::Heads MultiHeadAttentionImpl::project_in(const torch::Tensor& x) {
  if (latent) {
    const auto [q, vectors] = latent->project(x);  // [B, H, T, Dr + Dh], [B, 1, T, Dr + r]
    return {q, vectors, vectors};
  }
  const int64_t H = options.heads, Hkv = options.kv_heads, Dh = options.head_width;
  const auto parts = in_proj(x).split_with_sizes({H * Dh, Hkv * Dh, Hkv * Dh}, -1);
  const auto q = split_heads(parts[0], H);    // [B, H, T, Dh]
  const auto k = split_heads(parts[1], Hkv);  // [B, Hkv, T, Dh]
  const auto v = split_heads(parts[2], Hkv);  // [B, Hkv, T, Dh]
  return q_norm ? Heads{q_norm(q), k_norm(k), v} : Heads{q, k, v};
}

torch::Tensor MultiHeadAttentionImpl::attend_to(const torch::Tensor& q, const torch::Tensor& k,
                                                const torch::Tensor& v, const AttendArgs& args) {
  if (!latent) return attend(kernel_for(options.kernel, q, k, v, args), q, k, v, args);
  const bool absorbs = prefers_absorbed(*options.latent, options.head_width, q.size(2), k.size(2));
  const auto heads = latent->heads_of(q, k, absorbs);
  const auto& kernel = kernel_for(options.kernel, heads.q, heads.k, heads.v, args);
  return latent->values_of(attend(kernel, heads.q, heads.k, heads.v, args), heads.absorbed);
}

torch::Tensor MultiHeadAttentionImpl::forward(const torch::Tensor& x,
                                              const SelfAttentionContext& context) {
  if (!context.placed && context.position != nullptr) {
    SelfAttentionContext placed = context;
    place(placed, x.size(1), context.cache ? &context.cache->pass() : nullptr);
    return forward(x, placed);
  }
  auto [q, k, v] = project_in(x);
  auto args = with_options(context.args, x);
  if (options.far.any())
    return project_out(near_and_far(q, k, v, context, args), context.args.key_lengths);
  if (context.memory.defined()) {
    const auto before = project_keys_values(context.memory);
    k = torch::cat({before.k, k}, 2);  // [B, Hkv, M + T, Dh]
    v = torch::cat({before.v, v}, 2);
  }
  const bool keys_later = context.key_rotation.defined();
  if (context.rotation.defined()) {
    q = rotate(q, context.rotation);                   // [B, H, T, Dh]
    if (!keys_later) k = rotate(k, context.rotation);  // [B, Hkv, T, Dh]
  }
  if (context.cache) {
    const KvPlan& plan = context.cache->plan();
    if (plan.query_start.defined()) args.query_start = plan.query_start;
    // A row's last token sees all of its keys: no mask but their number.
    if (x.size(1) == 1 && !args.window && !options.window) args.causal = false;
    if (plan.key_lengths.defined()) args.key_lengths = plan.key_lengths;
    std::tie(k, v) = context.cache->append(k, v);  // [B, Hkv, S, Dh]
    if (keys_later) {
      const auto& lengths = context.cache->pass().lengths;
      k = rotate(k, plan.key_positions.defined() || k.size(2) != context.key_rotation.cos.size(2)
                        ? context.position->rotation(context.cache->key_positions(), lengths)
                        : context.key_rotation);
    }
  } else if (keys_later) {
    k = rotate(k, context.key_rotation);
  }
  restrict(args, x.size(1), k.size(2), context);
  add_relative_bias(args, context.relative_bias, x.size(1), k.size(2));
  if (distance_proj) q = compare_distances(args, q, k.size(2), context.distances);
  return project_out(attend_to(q, k, v, args), context.args.key_lengths);  // [B, T, C]
}

void MultiHeadAttentionImpl::restrict(AttendArgs& args, int64_t T, int64_t S,
                                      const SelfAttentionContext& context) const {
  if (options.window)
    args.window = std::min(*options.window, args.window.value_or(*options.window));
  args.global_tokens = std::max(args.global_tokens, options.global_tokens);
  if (options.segments.any() && !context.memory.defined()) restrict_to_segments(args, T, context);
  if (options.blocks.pattern == BlockPattern::kNone || args.block_layout.defined()) return;
  // The position of the first new token of any row.
  const int64_t first = context.cache ? context.cache->pass().lengths.min().item<int64_t>() - T : 0;
  args.block_layout = block_layout(options.blocks, S, first / options.blocks.size);
  args.block_size = options.blocks.size;
}

torch::Tensor MultiHeadAttentionImpl::near_and_far(const torch::Tensor& q, torch::Tensor k,
                                                   torch::Tensor v,
                                                   const SelfAttentionContext& context,
                                                   AttendArgs args) const {
  PlacedKeys placed{
      .position = context.position, .queries = {}, .keys = {}, .heads = options.position_heads};
  if (context.cache) {
    placed.queries = context.cache->query_positions();
    args.key_lengths = context.cache->plan().key_lengths;
    std::tie(k, v) = context.cache->append(k, v);  // [B, Hkv, S, Dh]
    placed.keys = context.cache->key_positions();
  } else {
    placed.queries = placed.keys =
        torch::arange(q.size(2), torch::dtype(torch::kLong).device(q.device())).unsqueeze(0);
  }
  return attend_near_and_far(kernel_for(options.kernel, q, k, v, args).name(), q, k, v, args,
                             options.far, placed);  // [B, H, T, Dh]
}

void MultiHeadAttentionImpl::restrict_to_segments(AttendArgs& args, int64_t T,
                                                  const SelfAttentionContext& context) const {
  const int64_t longest = context.cache ? context.cache->pass().lengths.max().item<int64_t>() : T;
  if (longest <= options.segments.length) return;  // the first segment sees all
  torch::Tensor queries, keys;
  if (context.cache) {
    queries = context.cache->query_positions();
    keys = context.cache->key_positions();
  } else {
    queries = keys = torch::arange(T, torch::kLong).unsqueeze(0).to(in_proj->weight.device());
  }
  const auto seen = segment_mask(options.segments, queries, keys);
  args.may_attend = args.may_attend.defined() ? args.may_attend.logical_and(seen) : seen;
}

torch::Tensor MultiHeadAttentionImpl::of_own_heads(const torch::Tensor& t) const {
  if (options.position_heads.empty()) return t;
  return t.index_select(0, torch::tensor(options.position_heads, torch::kLong).to(t.device()));
}

// Dai et al. 2019, §3.3: (q + u) k + (q + v) W R, of which attend() computes the first product.
torch::Tensor MultiHeadAttentionImpl::compare_distances(AttendArgs& args, const torch::Tensor& q,
                                                        int64_t S,
                                                        const DistanceVectors& distances) const {
  TORCH_CHECK(distances.defined(),
              "MultiHeadAttention: distance_keys need the position scheme transformer-xl");
  const auto with = [&](const torch::Tensor& bias) {
    return q + of_own_heads(bias).unsqueeze(1).to(q.dtype());  // [B, H, T, Dh]
  };
  const auto u = distances.content_bias, v = distances.distance_bias;
  if (q.numel() == 0) return with(u);
  const int64_t D = S + distances.ahead;  // a layer may hold fewer keys than the pass
  const auto vectors = distances.vectors.narrow(0, distances.vectors.size(0) - D, D);
  const double scale = args.scale.value_or(1.0 / std::sqrt(static_cast<double>(q.size(3))));
  const auto scores = distance_scores(with(v) * scale, distance_proj->weight, vectors);
  const auto bias = by_key(scores, S, args.query_start);  // [B, H, T, S]
  args.bias = args.bias.defined() ? args.bias + bias : bias;
  return with(u);
}

/// The bias is that of the pass; this layer may hold fewer keys, all of the shorter distances.
void MultiHeadAttentionImpl::add_relative_bias(AttendArgs& args, torch::Tensor bias, int64_t T,
                                               int64_t S) const {
  if (!bias.defined()) return;
  bias = of_own_heads(bias.narrow(1, bias.size(1) - (T + S - 1), T + S - 1));
  args.relative_bias = args.relative_bias.defined() ? args.relative_bias + bias : bias;
}

torch::Tensor MultiHeadAttentionImpl::cross(const torch::Tensor& x,
                                            const CrossKeyValues& keys_values,
                                            const AttendArgs& args) {
  const int64_t q_rows = options.heads * options.head_width;
  const auto bias = options.bias ? in_proj->bias.narrow(0, 0, q_rows) : torch::Tensor();
  const auto q = torch::linear(x, in_proj->weight.narrow(0, 0, q_rows), bias);  // [B, T, H Dh]
  auto ready = with_options(args, x);
  if (keys_values.lengths.defined()) ready.key_lengths = keys_values.lengths;
  auto heads = split_heads(q, options.heads);  // [B, H, T, Dh]
  if (q_norm) heads = q_norm(heads);
  const auto& [k, v, lengths] = keys_values;
  return project_out(attend(kernel_for(options.kernel, heads, k, v, ready), heads, k, v, ready));
}

CrossKeyValues MultiHeadAttentionImpl::project_keys_values(const torch::Tensor& states,
                                                           const torch::Tensor& lengths) {
  const int64_t q_rows = options.heads * options.head_width,
                kv_rows = 2 * options.kv_heads * options.head_width;
  const auto bias = options.bias ? in_proj->bias.narrow(0, q_rows, kv_rows) : torch::Tensor();
  const auto kv =
      torch::linear(states, in_proj->weight.narrow(0, q_rows, kv_rows), bias).chunk(2, -1);
  auto k = split_heads(kv[0], options.kv_heads);  // [B, Hkv, S, Dh]
  if (k_norm) k = k_norm(k);
  return {k, split_heads(kv[1], options.kv_heads), lengths};
}

KvCache::LayerShape MultiHeadAttentionImpl::cached() const {
  if (latent) return {.kv_heads = 1, .head_width = latent->cached_width(), .one_buffer = true};
  return {.kv_heads = options.kv_heads, .head_width = options.head_width};
}

std::vector<torch::Tensor> MultiHeadAttentionImpl::qkv_matrices() const {
  const int64_t queries = options.heads * options.head_width,
                keys = options.kv_heads * options.head_width;
  return in_proj->weight.split_with_sizes({queries, keys, keys}, 0);
}

torch::Tensor MultiHeadAttentionImpl::project_out(torch::Tensor y, const torch::Tensor& lengths) {
  if (options.head_diversity > 0.0 && is_training()) {
    y = with_auxiliary_loss(y, "head_similarity", options.head_diversity,
                            [&] { return head_similarity(y, lengths); });
  }
  return out_proj(merge_heads(y));
}

AttendArgs MultiHeadAttentionImpl::with_options(AttendArgs args, const torch::Tensor& x) const {
  if (!args.scale) args.scale = options.scale;
  if (args.score_cap == 0.0) args.score_cap = options.score_cap;
  args.dropout = is_training() ? options.dropout : 0.0;
  if (options.head_dropout > 0.0 && is_training()) {
    const auto gate =
        draw_head_gate(x.size(0), options.heads, options.head_dropout, x.device());  // [B, H]
    args.head_gate = args.head_gate.defined() ? args.head_gate * gate : gate;
  }
  return args;
}

}  // namespace zoo
