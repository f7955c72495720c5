// Near and far scores in one call of attend(): keys stand side by side, once as near keys and once
// as far ones, and a mask shows each query one of the two. Where the two differ in their rotation,
// both queries stand side by side as well, and each key has zeros for the other: [q1, q2] [k1, 0] =
// q1 k1, [q1, q2] [0, k2] = q2 k2. A single query needs none of that.
#include "models/attention/far_keys.h"

#include <algorithm>
#include <cmath>

namespace zoo {
namespace {

/// Of keys on one side or on both: what is seen, and how far away; [B or 1, T, n] each.
struct Seen {
  torch::Tensor seen, distance;
};

torch::Tensor real_keys(const torch::Tensor& seen, const torch::Tensor& key_lengths) {
  if (!key_lengths.defined()) return seen;
  const auto slots = torch::arange(seen.size(2), key_lengths.options());
  return seen & slots.view({1, 1, -1}).lt(key_lengths.view({-1, 1, 1}));  // [B, T, S]
}

Seen near_keys(const FarKeys& far, const PlacedKeys& placed, const torch::Tensor& key_lengths) {
  const auto distance = placed.queries.unsqueeze(-1) - placed.keys.unsqueeze(1);
  return {real_keys(distance.ge(0) & distance.lt(far.near), key_lengths), distance};
}

Seen far_keys(const FarKeys& far, const PlacedKeys& placed, const torch::Tensor& key_lengths) {
  const auto queries = placed.queries.unsqueeze(-1), keys = placed.keys.unsqueeze(1);
  auto seen = (queries - keys).ge(far.near);
  if (far.sinks > 0) seen = seen & keys.lt(far.sinks);
  return {real_keys(seen, key_lengths),
          far_query_positions(queries, far) - far_key_positions(keys, far)};
}

/// The biases [B or 1, H, T, n] of a scheme that has one by distance; undefined: none.
torch::Tensor bias_of(const PlacedKeys& placed, const Seen& keys) {
  const auto distances = keys.distance.masked_fill(keys.seen.logical_not(), 0);
  if (distances.numel() == 0) return {};
  const auto largest = distances.max().item<int64_t>();
  auto table = placed.position->relative_bias(1, largest + 1, distances.device());
  if (!table.defined()) return {};  // [H, largest + 1]
  if (!placed.heads.empty())
    table = table.index_select(0, torch::tensor(placed.heads, torch::kLong).to(table.device()));
  return table.index_select(1, (largest - distances).flatten())
      .view({table.size(0), distances.size(0), distances.size(1), distances.size(2)})
      .transpose(0, 1);
}

void add_bias(AttendArgs& args, const torch::Tensor& bias) {
  if (bias.defined()) args.bias = args.bias.defined() ? args.bias + bias : bias;
}

/// Of a single query every key has one distance: keys are turned by it, and the query stays.
torch::Tensor attend_once(std::string_view kernel, const torch::Tensor& q, const torch::Tensor& k,
                          const torch::Tensor& v, AttendArgs args, const FarKeys& far,
                          const PlacedKeys& placed, const torch::Tensor& key_lengths) {
  const Seen near = near_keys(far, placed, key_lengths),
             beyond = far_keys(far, placed, key_lengths);
  const Seen all{near.seen | beyond.seen,
                 torch::where(near.seen, near.distance, beyond.distance)};  // [B or 1, 1, S]
  const auto seen = all.seen.unsqueeze(1);                                  // [B or 1, 1, 1, S]
  args.may_attend = args.may_attend.defined() ? args.may_attend & seen : seen;
  if (placed.position == nullptr) return attend(kernel, q, k, v, args);
  add_bias(args, bias_of(placed, all));
  const auto back = all.distance.squeeze(1).neg();  // [B or 1, S]
  const auto by_distance = placed.position->rotation(back);
  if (!by_distance.defined()) return attend(kernel, q, k, v, args);
  const auto stays = placed.position->rotation(torch::zeros_like(placed.queries));
  return attend(kernel, rotate(q, stays), rotate(k, by_distance), v, args);
}

/// [..., S] -> [..., S + F]: what holds for a key holds for it on both sides. One column stands for
/// all keys.
torch::Tensor on_both_sides(const torch::Tensor& t, int64_t F) {
  return t.size(-1) == 1 ? t : torch::cat({t, t.narrow(-1, 0, F)}, -1);
}

/// Turns near and far side by side: [B, H, n, Dh] each -> [B, H, n, 2 Dh].
torch::Tensor beside(const torch::Tensor& a, const torch::Tensor& b) {
  return torch::cat({a, b}, -1);
}

torch::Tensor with_zeros(const torch::Tensor& t, bool before) {
  const int64_t Dh = t.size(-1);
  return torch::constant_pad_nd(t, {before ? Dh : 0, before ? 0 : Dh});
}

}  // namespace

torch::Tensor far_query_positions(const torch::Tensor& positions, const FarKeys& far) {
  if (far.sinks > 0) return positions.clamp_max(far.sinks + far.near - 1);
  return positions.div(far.group, "floor") + (far.near - far.near / far.group);
}

torch::Tensor far_key_positions(const torch::Tensor& positions, const FarKeys& far) {
  return far.sinks > 0 ? positions : positions.div(far.group, "floor");
}

torch::Tensor attend_near_and_far(std::string_view kernel, const torch::Tensor& q,
                                  const torch::Tensor& k, const torch::Tensor& v, AttendArgs args,
                                  const FarKeys& far, const PlacedKeys& placed) {
  const int64_t S = k.size(2), Dh = q.size(3);
  const int64_t F = far.sinks > 0 ? std::min(far.sinks, S) : S;
  const torch::Tensor key_lengths = args.key_lengths;
  if (!args.scale) args.scale = 1.0 / std::sqrt(static_cast<double>(Dh));
  args.causal = false;
  args.window.reset();
  for (torch::Tensor* t : {&args.query_start, &args.key_lengths, &args.relative_bias}) t->reset();
  if (q.size(2) == 1) return attend_once(kernel, q, k, v, args, far, placed, key_lengths);
  const Seen near = near_keys(far, placed, key_lengths),
             beyond = far_keys(far, placed, key_lengths);
  const Seen both{torch::cat({near.seen, beyond.seen.narrow(2, 0, F)}, 2),
                  torch::cat({near.distance, beyond.distance.narrow(2, 0, F)}, 2)};
  const auto seen = both.seen.unsqueeze(1);  // [B or 1, 1, T, S + F]
  args.may_attend = args.may_attend.defined() ? on_both_sides(args.may_attend, F) & seen : seen;
  if (args.bias.defined()) args.bias = on_both_sides(args.bias, F);
  torch::Tensor queries = q, keys = torch::cat({k, k.narrow(2, 0, F)}, 2),
                values = torch::cat({v, v.narrow(2, 0, F)}, 2);  // [B, Hkv, S + F, Dh]
  if (placed.position != nullptr) {
    const auto turn = [&](const torch::Tensor& t, const torch::Tensor& positions) {
      return rotate(t, placed.position->rotation(positions));
    };
    // Only differences count among near keys: small positions have exact angles.
    const auto base =
        (std::get<0>(placed.queries.min(1, /*keepdim=*/true)) - far.near).clamp_min(0);
    const auto from = placed.queries - base, to = (placed.keys - base).clamp_min(0);
    if (placed.position->rotation(from).defined()) {
      const auto far_to = far_key_positions(placed.keys.narrow(1, 0, F), far);
      queries = beside(turn(q, from), turn(q, far_query_positions(placed.queries, far)));
      keys = torch::cat({with_zeros(turn(k, to), /*before=*/false),
                         with_zeros(turn(k.narrow(2, 0, F), far_to), /*before=*/true)},
                        2);
      values = with_zeros(values, /*before=*/false);
    }
    add_bias(args, bias_of(placed, both));
  }
  auto y = attend(kernel, queries, keys, values, args).narrow(-1, 0, Dh);  // [B, H, T, Dh]
  if (args.weights != nullptr) {
    const auto weights = *args.weights;  // [B, H, T, S + F]
    *args.weights =
        weights.narrow(-1, 0, S) + torch::constant_pad_nd(weights.narrow(-1, S, F), {0, S - F});
  }
  return y;
}

}  // namespace zoo
