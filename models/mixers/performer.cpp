// Random features. Exponents are taken relative to a largest one, as softmax does; a query's own
// cancels in the quotient, and so does the keys' if all keys share it. In causal attention that one
// may not depend on later keys: it is the largest so far, and where it grows by d, the older sums
// shrink by exp(-d). That is a decay, and linear attention has decays.
#include "models/mixers/performer.h"

#include <ATen/ops/linalg_qr.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

#include "models/mixers/heads.h"

namespace zoo {
namespace {

constexpr double kNothing = -std::numeric_limits<double>::infinity();

/// Exponents of keys, -infinity in padding: [B, H, T, M].
torch::Tensor key_exponents(const torch::Tensor& k, const torch::Tensor& directions,
                            const torch::Tensor& lengths) {
  auto exponents = favor_exponents(detail::without_padding(k, lengths), directions);
  if (!lengths.defined()) return exponents;
  const auto padding = detail::real_tokens(lengths, k.size(2), k.device()).logical_not();
  return exponents.masked_fill(padding.unsqueeze(1).unsqueeze(-1), kNothing);
}

/// The lengths of what follows the first `start` tokens.
torch::Tensor remaining(const torch::Tensor& lengths, int64_t start) {
  return lengths.defined() ? lengths - start : lengths;
}

/// exp(exponents - largest), 0 where both are -infinity.
torch::Tensor relative_exponentials(const torch::Tensor& exponents, const torch::Tensor& largest) {
  return (exponents - largest.masked_fill(largest.eq(kNothing), 0.0)).exp();
}

/// Features of some queries, up to a factor that cancels: [B, H, T, M].
torch::Tensor query_features(const torch::Tensor& q, const torch::Tensor& directions) {
  const auto exponents = favor_exponents(q, directions);
  return (exponents - std::get<0>(exponents.detach().max(-1, true))).exp();
}

/// Some tokens of causal attention, from `state` on; values are [v, 1].
torch::Tensor some_causal(const torch::Tensor& q, const torch::Tensor& key_exponents,
                          const torch::Tensor& values, const torch::Tensor& directions,
                          int64_t chunk, FavorState& state) {
  const int64_t T = q.size(2);
  const auto largest = std::get<0>(key_exponents.detach().max(-1));  // [B, H, T]
  const auto so_far = std::get<0>(
      torch::cat({state.largest.unsqueeze(-1), largest}, 2).cummax(2));  // [B, H, T + 1]
  const auto older = so_far.narrow(2, 0, T), newer = so_far.narrow(2, 1, T);
  // Before the first key there is nothing to shrink.
  const auto decay = (older - newer).masked_fill(older.eq(kNothing), 0.0).unsqueeze(-1);
  const auto result = linear_attention_chunked(
      query_features(q, directions), relative_exponentials(key_exponents, newer.unsqueeze(-1)),
      values, decay, state.sums, chunk);
  state = {result.state, newer.select(2, T - 1)};
  return divided_by_ones(result.y);
}

/// Adds some tokens to the sums that every query sees.
void add_keys(const torch::Tensor& key_exponents, const torch::Tensor& values, FavorState& state) {
  const auto largest =
      torch::maximum(state.largest, key_exponents.detach().amax({-2, -1}));  // [B, H]
  const auto shrink = relative_exponentials(state.largest, largest);         // exp(-inf) = 0
  const auto keys = relative_exponentials(key_exponents, largest.unsqueeze(-1).unsqueeze(-1));
  state = {state.sums * shrink.unsqueeze(-1).unsqueeze(-1) +
               torch::matmul(keys.transpose(-2, -1), values),
           largest};
}

}  // namespace

torch::Tensor orthogonal_directions(int64_t features, int64_t head_width) {
  TORCH_CHECK(features > 0 && head_width > 0,
              "orthogonal_directions: features and head width must be positive, got ", features,
              " and ", head_width);
  std::vector<torch::Tensor> blocks;
  for (int64_t row = 0; row < features; row += head_width) {
    const auto [q, r] = at::linalg_qr(torch::randn({head_width, head_width}, torch::kDouble));
    // With these signs, all rotations are equally likely (Mezzadri 2006, arXiv:math-ph/0609050).
    const auto rotation = q * r.diagonal().sign();  // [Dh, Dh]
    const auto lengths = torch::randn({head_width, head_width}, torch::kDouble).norm(2, {1}, true);
    blocks.push_back((rotation * lengths).narrow(0, 0, std::min(head_width, features - row)));
  }
  return torch::cat(blocks).to(torch::kFloat);  // [M, Dh]
}

torch::Tensor favor_exponents(const torch::Tensor& x, const torch::Tensor& directions) {
  const auto scaled = x * std::pow(static_cast<double>(x.size(-1)), -0.25);
  const auto w = directions.to(x.device(), x.scalar_type());
  return torch::matmul(scaled, w.transpose(0, 1)) - scaled.square().sum(-1, true) / 2;  // Lemma 1
}

torch::Tensor favor_attention(const torch::Tensor& q, const torch::Tensor& k,
                              const torch::Tensor& v, const torch::Tensor& directions, bool causal,
                              const torch::Tensor& lengths, int64_t chunk, FavorState* state) {
  if (q.numel() == 0) return q + (k.sum() + v.sum()) * 0.0;
  const int64_t B = q.size(0), H = q.size(1), T = q.size(2), M = directions.size(0);
  FavorState so_far{v.new_zeros({B, H, M, v.size(3) + 1}), v.new_full({B, H}, kNothing)};
  if (state != nullptr && state->sums.defined()) so_far = *state;
  const auto exponents = [&](int64_t start, int64_t tokens) {
    return key_exponents(k.narrow(2, start, tokens), directions, remaining(lengths, start));
  };
  const auto values = [&](int64_t start, int64_t tokens) {
    return with_ones(
        detail::without_padding(v.narrow(2, start, tokens), remaining(lengths, start)));
  };
  const int64_t at_once = detail::tokens_at_once(v, chunk, M);
  std::vector<torch::Tensor> ys;
  if (!causal) {
    for (int64_t start = 0; start < T; start += at_once) {
      const int64_t tokens = std::min(at_once, T - start);
      add_keys(exponents(start, tokens), values(start, tokens), so_far);
    }
  }
  for (int64_t start = 0; start < T; start += at_once) {
    const int64_t tokens = std::min(at_once, T - start);
    const auto queries = q.narrow(2, start, tokens);
    ys.push_back(
        causal ? some_causal(queries, exponents(start, tokens), values(start, tokens), directions,
                             chunk, so_far)
               : divided_by_ones(torch::matmul(query_features(queries, directions), so_far.sums)));
  }
  if (state != nullptr) *state = so_far;
  return ys.size() == 1 ? ys.front() : torch::cat(ys, 2);
}

namespace {

int64_t usual_features(int64_t head_width) {
  const auto Dh = double(head_width);
  return std::max<int64_t>(1, static_cast<int64_t>(std::ceil(Dh * std::log(Dh))));
}

}  // namespace

PerformerMixer::PerformerMixer(const PerformerOptions& options_)
    : TokenMixer(options_.d_model), options(options_) {
  const int64_t C = options.d_model;
  TORCH_CHECK(C > 0 && options.heads > 0 && C % options.heads == 0,
              "PerformerMixer: heads must divide d_model, got ", options.heads, " and ", C);
  TORCH_CHECK(options.chunk > 0 && options.features >= 0,
              "PerformerMixer: chunk must be 1 or more and features 0 or more, got ", options.chunk,
              " and ", options.features);
  if (options.features == 0) options.features = usual_features(C / options.heads);
  const auto linear = [&](int64_t rows) {
    return torch::nn::Linear(torch::nn::LinearOptions(C, rows).bias(options.bias));
  };
  in_proj = register_module("in_proj", linear(3 * C));
  out_proj = register_module("out_proj", linear(C));
  directions =
      register_buffer("directions", orthogonal_directions(options.features, C / options.heads));
}

void PerformerMixer::redraw() {
  const torch::NoGradGuard no_grad;
  directions.copy_(orthogonal_directions(directions.size(0), directions.size(1)));
}

torch::Tensor PerformerMixer::attend(const torch::Tensor& x, bool causal,
                                     const torch::Tensor& lengths, FavorState* state) {
  const auto parts = in_proj(x).chunk(3, -1);
  const auto heads = [&](size_t n) { return detail::into_heads(parts[n], options.heads); };
  return out_proj(detail::from_heads(favor_attention(heads(0), heads(1), heads(2), directions,
                                                     causal, lengths, options.chunk, state)));
}

torch::Tensor PerformerMixer::mix(const torch::Tensor& x, const MixerContext& context) {
  return attend(x, context.causal, context.lengths, nullptr);
}

std::map<std::string, torch::Tensor> PerformerMixer::first_state(
    int64_t batch, const torch::TensorOptions& numbers) const {
  const int64_t H = options.heads, Dh = options.d_model / H;
  return {{"sums", torch::zeros({batch, H, options.features, Dh + 1}, numbers)},
          {"largest", torch::full({batch, H}, kNothing, numbers)}};
}

torch::Tensor PerformerMixer::advance(const torch::Tensor& x, MixerState& state,
                                      const torch::Tensor& counts) {
  FavorState favor{state.tensors.at("sums"), state.tensors.at("largest")};
  const auto y = attend(x, true, counts, &favor);  // [B, T, C]
  state.tensors["sums"] = favor.sums;
  state.tensors["largest"] = favor.largest;
  return y;
}

MixerCost cost_of(const PerformerOptions& o, int64_t T, bool causal) {
  const int64_t H = o.heads, Dh = o.d_model / H;
  const int64_t M = o.features > 0 ? o.features : usual_features(Dh);
  const auto C = double(o.d_model), length = double(T), features = double(M);
  const double sums = features * double(H * (Dh + 1));
  const double mixing =
      causal ? linear_attention_operations(T, H, H, M, Dh + 1, o.chunk) : 4 * length * sums;
  return {.parameters = 4 * C * C + (o.bias ? 4 * C : 0),
          .operations = 8 * length * C * C + 4 * length * C * features + mixing,
          .state_values = sums + double(H)};
}

}  // namespace zoo
