// Parameters and operations of the parts that all families share.
#include "models/cost/cost.h"

#include <algorithm>
#include <set>

#include "base/memory_limit.h"
#include "models/cost/expert_cost.h"
#include "models/layers/pruned_heads.h"

namespace zoo {

ModelCost table_cost(double rows, double width) {
  return {.parameters = rows * width, .embedding_parameters = rows * width};
}

ModelCost linear_cost(double rows, double in, double out, bool bias) {
  return {.parameters = in * out + (bias ? out : 0), .forward_flops = 2 * rows * in * out};
}

ModelCost convolution_cost(double positions, double kernel, double in, double out) {
  return linear_cost(positions, kernel * in, out, /*bias=*/false);
}

ModelCost norm_cost(double width, const NormOptions& options) {
  const bool shifts = options.kind == NormKind::kLayer && options.bias;
  return {.parameters = shifts ? 2 * width : width};
}

ModelCost feed_forward_cost(const FeedForwardOptions& o, double rows) {
  const auto C = double(o.d_model), F = double(o.width);
  const double hidden = is_gated(o.activation) ? 2 * F : F;  // gate and values
  return linear_cost(rows, C, hidden, o.bias) + linear_cost(rows, F, C, o.bias);
}

ModelCost position_cost(const PositionOptions& options, double positions, double width,
                        double heads, double head_width) {
  if (options.position == PositionKind::kTransformerXl)
    return {.parameters = 2 * heads * head_width};  // u and v
  if (options.position == PositionKind::kBucketed)
    return {.parameters = double(options.relative.buckets) * heads};
  if (options.position != PositionKind::kLearned) return {};
  return table_cost(positions + double(options.position_offset), width);
}

double attention_flops(double T, double S, double width) { return 4 * T * S * width; }

ModelCost attention_cost(const MultiHeadAttentionOptions& o, double T, double S) {
  const auto C = double(o.d_model), Dh = double(o.head_width);
  const double q = double(o.heads) * Dh, kv = double(o.kv_heads) * Dh;
  ModelCost cost = linear_cost(T, C, q, o.bias) + linear_cost(S, C, 2 * kv, o.bias) +
                   linear_cost(T, q, C, o.out_bias);
  cost.forward_flops += attention_flops(T, S, q);
  if (o.qk_norm) cost += 2 * norm_cost(Dh, *o.qk_norm);
  if (o.distance_keys) {
    const double distances = S + 1;  // of a causal model
    cost += linear_cost(distances, C, kv, /*bias=*/false);
    cost.forward_flops += attention_flops(T, distances, q) / 2;  // their scores
  }
  return cost;
}

namespace {

ModelCost latent_cost(const MultiHeadAttentionOptions& o, double T) {
  const auto C = double(o.d_model), H = double(o.heads), Dh = double(o.head_width);
  const auto r = double(o.latent->width), rq = double(o.latent->query_width),
             Dr = double(o.latent->rotary_width);
  ModelCost cost = linear_cost(T, rq > 0 ? rq : C, H * (Dh + Dr), o.bias) +
                   linear_cost(T, C, r + Dr, o.bias) + linear_cost(T, r, 2 * H * Dh, false) +
                   linear_cost(T, H * Dh, C, o.out_bias) + norm_cost(r, o.latent->norm);
  if (rq > 0) cost += linear_cost(T, C, rq, o.bias) + norm_cost(rq, o.latent->norm);
  const auto length = static_cast<int64_t>(T);
  const bool absorbs = prefers_absorbed(*o.latent, o.head_width, length, length);
  cost.forward_flops += attention_flops(T, T, H * (Dr + (absorbs ? r : Dh)));
  cost.cache_values_per_token = r + Dr;
  return cost;
}

ModelCost mixing_cost(const BlockOptions& o, double T) {
  if (!o.mixer && o.attention.latent) return latent_cost(o.attention, T);
  if (!o.mixer) {
    ModelCost cost = attention_cost(o.attention, T, T);
    cost.cache_values_per_token = 2 * double(o.attention.head_width) * double(o.attention.kv_heads);
    return cost;
  }
  const MixerCost mixer =
      mixer_cost(o.mixer->kind, o.mixer->options, o.mixer->sizes, static_cast<int64_t>(T));
  return {.parameters = mixer.parameters,
          .forward_flops = mixer.operations,
          .cache_values_per_token = mixer.token_values,
          .cache_values = mixer.state_values};
}

}  // namespace

ModelCost block_cost(const BlockOptions& o, double T, double S) {
  const auto C = double(o.attention.d_model);
  ModelCost cost = mixing_cost(o, T);
  cost += o.experts ? mixture_cost(*o.experts, T) : feed_forward_cost(o.feed_forward, T);
  if (o.cross_attention) cost += attention_cost(*o.cross_attention, T, S);
  const double sub_layers = o.cross_attention ? 3 : 2;
  double norms = o.norm_place == NormPlace::kSandwich ? 2 * sub_layers : sub_layers;
  if (o.parallel == ParallelBranches::kOneNorm) norms -= 1;
  cost += norms * norm_cost(C, o.norm);
  if (o.layer_scale != 0.0) cost.parameters += sub_layers * C;
  cost.layers = 1;
  return cost;
}

namespace {

/// What mixers cost more (or less) than the softmax attention in whose place they are.
ModelCost mixers_beside_attention(const StackOptions& o, double T) {
  const auto kinds = mixer_kinds(o);
  const auto period = std::ssize(kinds);
  ModelCost cost;
  for (int64_t n = 0; n < std::min<int64_t>(period, o.layers); ++n) {
    if (kinds[static_cast<size_t>(n)] == MixerKind::kSoftmax) continue;
    BlockOptions block = block_options(o, n);
    const ModelCost mixer = mixing_cost(block, T);
    block.mixer.reset();
    const auto layers = double((o.layers - n + period - 1) / period);
    cost += layers * (mixer + -1.0 * mixing_cost(block, T));
  }
  return cost;
}

/// Layers are alike but for their mixers and for those that lack heads. A hostile file may promise
/// a billion of the former and many of the latter: each list is read once.
ModelCost all_blocks_cost(const StackOptions& o, double T, double S, bool cross) {
  StackOptions whole = o;
  whole.pruned_heads.clear();
  whole.cross_pruned_heads.clear();
  const ModelCost mixers = mixers_beside_attention(whole, T);
  static_cast<MixerOptions&>(whole) = {};
  const auto block = [&](int64_t n) { return block_options(whole, n, cross); };
  const HeadsByLayer own = parse_heads(o.pruned_heads), across = parse_heads(o.cross_pruned_heads);
  std::set<int64_t> pruned;
  for (const auto* heads : {&own, &across})
    for (const auto& [layer, numbers] : *heads) pruned.insert(layer);
  double with_experts = double(layers_with_experts(o, o.layers));
  double without = double(o.layers) - with_experts;
  ModelCost cost;
  for (const int64_t layer : pruned) {
    (has_experts(o, layer) ? with_experts : without) -= 1;
    BlockOptions fewer = block(layer);
    fewer.attention = without_heads(fewer.attention, own, layer);
    if (cross) fewer.cross_attention = without_heads(*fewer.cross_attention, across, layer);
    cost += block_cost(fewer, T, S);
  }
  whole.dense_layers.clear();
  if (with_experts > 0) cost += with_experts * block_cost(block(o.expert_every - 1), T, S);
  if (without > 0) {
    whole.experts = 0;
    cost += without * block_cost(block(0), T, S);
  }
  cost += mixers;
  if (o.reversible) cost.recomputed_flops = cost.forward_flops;
  return cost;
}

}  // namespace

ModelCost blocks_cost(const StackOptions& options, double T) {
  return all_blocks_cost(options, T, 0, /*cross=*/false);
}
ModelCost decoder_blocks_cost(const StackOptions& options, double T, double S) {
  return all_blocks_cost(options, T, S, /*cross=*/true);
}

ModelCost& ModelCost::operator+=(const ModelCost& other) {
  parameters += other.parameters;
  embedding_parameters += other.embedding_parameters;
  output_parameters += other.output_parameters;
  layers += other.layers;
  forward_flops += other.forward_flops;
  recomputed_flops += other.recomputed_flops;
  output_flops += other.output_flops;
  cache_values_per_token += other.cache_values_per_token;
  cache_values += other.cache_values;
  return *this;
}

ModelCost operator*(double times, ModelCost cost) {
  cost.parameters *= times;
  cost.embedding_parameters *= times;
  cost.output_parameters *= times;
  cost.layers *= times;
  cost.forward_flops *= times;
  cost.recomputed_flops *= times;
  cost.output_flops *= times;
  cost.cache_values_per_token *= times;
  cost.cache_values *= times;
  return cost;
}

double training_flops(const ModelCost& cost) {
  return 3 * cost.forward_flops + cost.recomputed_flops;
}

void require_model_memory(const ModelCost& cost) {
  constexpr double kLayerItself = 8192;  // bytes of modules and tensors, however small
  require_memory(sizeof(float) * cost.parameters + kLayerItself * cost.layers, "the model",
                 "choose fewer layers, a smaller width or a shorter context");
}

}  // namespace zoo
