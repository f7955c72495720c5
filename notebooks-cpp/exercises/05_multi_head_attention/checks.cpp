// 05: projections, heads, grouped key-value heads, and the way back.
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>

#include "notebooks-cpp/exercises/grader/exercise.h"
#include "notebooks-cpp/exercises/grader/value.h"

namespace exercises::exercise_05 {
namespace {

torch::Tensor share(const torch::Tensor& kv, int64_t H, const Faults& faults) {
  const int64_t group = H / kv.size(1);
  if (faults["kv-heads-in-turn"]) return kv.repeat({1, group, 1, 1});
  if (faults["first-kv-head-only"]) return kv.narrow(1, 0, 1).expand({-1, H, -1, -1});
  return kv.repeat_interleave(group, 1);
}

/// The layer among a probe's arguments, from the third on.
struct Layer {
  explicit Layer(const Probe& probe)
      : in_weight(probe.tensor(2)),
        in_bias(probe.tensor(3)),
        out_weight(probe.tensor(4)),
        out_bias(probe.tensor(5)),
        H(probe.integer(6)),
        Hkv(probe.integer(7)),
        Dh(in_weight.size(0) / (H + 2 * Hkv)) {}
  torch::Tensor in_weight, in_bias, out_weight, out_bias;
  int64_t H, Hkv, Dh;
};

struct Parts {
  torch::Tensor q, k, v;
};

torch::Tensor heads(const torch::Tensor& t, int64_t count, const Faults& faults) {
  if (faults["split-by-view-alone"]) return t.reshape({t.size(0), count, t.size(1), -1});
  return t.reshape({t.size(0), t.size(1), count, -1}).transpose(1, 2);
}

Parts project(const Layer& layer, const torch::Tensor& x, const torch::Tensor& given,
              const Faults& faults) {
  const auto states = faults["states-ignored"] ? x : given;
  const auto bias = faults["in-bias-forgotten"] ? torch::zeros_like(layer.in_bias) : layer.in_bias;
  const int64_t rows = layer.H * layer.Dh, few = layer.Hkv * layer.Dh;
  const auto of = [&](const torch::Tensor& from, int64_t first, int64_t count) {
    const auto t = torch::linear(from, layer.in_weight.narrow(0, first, count * layer.Dh),
                                 bias.narrow(0, first, count * layer.Dh));
    return heads(t, count, faults);
  };
  if (faults["keys-first"])
    return {of(x, few, layer.H), of(states, 0, layer.Hkv), of(states, few + rows, layer.Hkv)};
  if (faults["values-before-keys"])
    return {of(x, 0, layer.H), of(states, rows + few, layer.Hkv), of(states, rows, layer.Hkv)};
  if (faults["roles-swapped"])
    return {of(states, 0, layer.H), of(x, rows, layer.Hkv), of(x, rows + few, layer.Hkv)};
  return {of(x, 0, layer.H), of(states, rows, layer.Hkv), of(states, rows + few, layer.Hkv)};
}

torch::Tensor attention(const Layer& layer, const torch::Tensor& x, const torch::Tensor& states,
                        bool causal, const Faults& faults) {
  const auto [q, few_k, few_v] = project(layer, x, states, faults);
  const auto k = share(few_k, layer.H, faults), v = share(few_v, layer.H, faults);
  auto width = static_cast<double>(layer.Dh);
  if (faults["scale-of-the-model"]) width = static_cast<double>(x.size(-1));
  if (faults["no-scale"]) width = 1;
  auto scores = q.matmul(k.mT()) / std::sqrt(width);
  const auto later = torch::ones({q.size(2), k.size(2)}, torch::kBool).triu(1);
  const bool masked = causal && !faults["mask-ignored"];
  if (masked && !faults["mask-after-softmax"]) scores = scores.masked_fill(later, -INFINITY);
  auto weights = scores.softmax(-1);
  if (masked) weights = weights.masked_fill(later, 0.0);
  const auto y = weights.matmul(v);  // [B, H, T, Dh]
  const auto merged =
      (faults["merge-untransposed"] ? y : y.transpose(1, 2)).reshape({x.size(0), x.size(1), -1});
  if (faults["not-projected-back"]) return merged;
  if (faults["out-weight-turned"]) return merged.matmul(layer.out_weight) + layer.out_bias;
  return torch::linear(
      merged, layer.out_weight,
      faults["out-bias-forgotten"] ? torch::zeros_like(layer.out_bias) : layer.out_bias);
}

Value reference(const Probe& probe, const Faults& faults) {
  if (probe.function == "share_kv_heads") return share(probe.tensor(0), probe.integer(1), faults);
  const Layer layer(probe);
  const auto x = probe.tensor(0);
  if (probe.function == "project_in") {
    const auto [q, k, v] = project(layer, x, probe.tensor(1), faults);
    return c10::ivalue::Tuple::create({q, k, v});
  }
  if (probe.function == "self_attention") return attention(layer, x, x, probe.flag(1), faults);
  return attention(layer, x, probe.tensor(1), false, faults);
}

/// The calls' arguments: two of the call's own, then a random layer.
Values with_layer(Value first, Value second, int64_t C, int64_t H, int64_t Hkv, int64_t Dh) {
  const int64_t rows = (H + 2 * Hkv) * Dh;
  return {std::move(first),
          std::move(second),
          torch::randn({rows, C}) * 0.6,
          torch::randn({rows}) * 0.5,
          torch::randn({C, H * Dh}) * 0.6,
          torch::randn({C}) * 0.5,
          H,
          Hkv};
}

Exercise make() {
  torch::manual_seed(5);
  const auto random = [](at::IntArrayRef sizes) { return torch::randn(sizes); };
  const auto square = with_layer(random({2, 5, 6}), false, 6, 2, 2, 3);
  auto causal = square;
  causal[1] = true;
  const auto cross = with_layer(random({2, 4, 5}), random({2, 3, 5}), 5, 4, 2, 3);
  return {.name = "05_multi_head_attention",
          .reference = reference,
          .faults = {{"kv-heads-in-turn"},
                     {"first-kv-head-only"},
                     {"split-by-view-alone"},
                     {"states-ignored"},
                     {"roles-swapped"},
                     {"in-bias-forgotten"},
                     {"keys-first"},
                     {"values-before-keys"},
                     {"scale-of-the-model"},
                     {"no-scale"},
                     {"mask-ignored"},
                     {"mask-after-softmax"},
                     {"merge-untransposed"},
                     {"not-projected-back"},
                     {"out-weight-turned"},
                     {"out-bias-forgotten"}},
          .checks = {
              {"05.1",
               Kind::kValues,
               1,
               "which key-value head a query head reads",
               {{"share_kv_heads", "4 query heads, 2 key-value heads", {random({2, 2, 5, 3}), 4}},
                {"share_kv_heads", "3 query heads, 1 key-value head", {random({1, 1, 2, 3}), 3}},
                {"share_kv_heads", "3 query heads, 3 key-value heads", {random({1, 3, 2, 1}), 3}}}},
              {"05.2",
               Kind::kValues,
               3,
               "queries of x, keys and values of states",
               {{"project_in", "5 and 5 tokens, 2 heads of 3",
                 with_layer(random({2, 5, 6}), random({2, 5, 6}), 6, 2, 2, 3)},
                {"project_in", "4 and 3 tokens, 4 heads, 2 of keys and values",
                 with_layer(random({2, 4, 5}), random({2, 3, 5}), 5, 4, 2, 3)}}},
              {"05.3",
               Kind::kValues,
               2,
               "self-attention",
               {{"self_attention", "5 tokens, 2 heads of 3", square},
                {"self_attention", "5 tokens, causal", causal}}},
              {"05.3",
               Kind::kOddSizes,
               1,
               "cross-attention, grouped heads",
               {{"cross_attention", "4 tokens ask 3, 4 heads, 2 of keys and values", cross},
                {"cross_attention", "1 token asks 1, heads of width 1",
                 with_layer(random({1, 1, 3}), random({1, 1, 3}), 3, 3, 1, 1)}}},
              {"05.3",
               Kind::kGradients,
               2,
               "gradients of tokens and weights",
               {{"self_attention", "5 tokens, causal", causal},
                {"cross_attention", "4 tokens ask 3, 4 heads, 2 of keys and values", cross}}},
              {"05.3",
               Kind::kSideEffects,
               1,
               "arguments stay as they were",
               {{"self_attention", "5 tokens, causal", causal},
                {"cross_attention", "4 tokens ask 3", cross}}},
          }};
}

const bool added = add_exercise(make);

}  // namespace
}  // namespace exercises::exercise_05
