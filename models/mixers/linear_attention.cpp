// The three forms, in the order of the header. Every exponent below is a sum of log decays between
// an earlier and a later token, so it is 0 or less: nothing overflows.
#include "models/mixers/linear_attention.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <vector>

#include "models/mixers/heads.h"

namespace zoo {
namespace {

using detail::repeat_groups;

// Decays by channel are divided within a chunk once more (GLA, §4.3, "secondary-level chunking").
constexpr int64_t kPart = 8;

struct LinearSizes {
  int64_t B, H, T, Dk, Dv;
};

LinearSizes sizes_of(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v) {
  TORCH_CHECK(q.dim() == 4 && q.sizes() == k.sizes() && v.dim() == 4 && v.size(0) == q.size(0) &&
                  v.size(2) == q.size(2),
              "linear attention: q, k and v must be [batch, heads, length, width], q and k of one "
              "shape, got ",
              q.sizes(), ", ", k.sizes(), " and ", v.sizes());
  TORCH_CHECK(q.size(1) > 0 && v.size(1) % q.size(1) == 0,
              "linear attention: the heads of q and k must divide those of v, got ", q.size(1),
              " and ", v.size(1));
  return {v.size(0), v.size(1), v.size(2), q.size(3), v.size(3)};
}

/// [B, H, T, 1 or Dk], or undefined
torch::Tensor expanded_decay(const torch::Tensor& g, const LinearSizes& n) {
  return g.defined() ? g.expand({n.B, n.H, n.T, g.size(-1)}) : g;
}

torch::Tensor first_of(const torch::Tensor& state, const torch::Tensor& v, const LinearSizes& n) {
  return state.defined() ? state : v.new_zeros({n.B, n.H, n.Dk, n.Dv});
}

/// Sums of log decays from the start, [..., T, 1] -> what is left of token s at token t: [..., T,
/// T], 1 for later ones. Sun et al. 2023, Eq. 5: D; Dao & Gu 2024, §3.2.2: L.
torch::Tensor decay_matrix(const torch::Tensor& sums) {
  return (sums - sums.transpose(-2, -1)).clamp_max(0.0).exp();  // [..., T, T]
}

/// One decay a token, or none: (q k^T * D) v. q, k [B, G, ..., T, Dk], v [B, H, ..., T, Dv].
torch::Tensor weighted_values(const torch::Tensor& q, const torch::Tensor& k,
                              const torch::Tensor& v, const torch::Tensor& sums) {
  const auto scores = torch::matmul(q, k.transpose(-2, -1)).tril();  // [B, G, ..., T, T]
  const auto of_heads = repeat_groups(scores, v.size(1));            // [B, H, ..., T, T]
  return torch::matmul(sums.defined() ? of_heads * decay_matrix(sums) : of_heads, v);
}

/// Decays by channel among few tokens: sum_d q_td k_sd exp(sums_td - sums_sd), a column at a time.
/// [..., T, Dk] -> [..., T, T]
torch::Tensor channel_scores(const torch::Tensor& q, const torch::Tensor& k,
                             const torch::Tensor& sums) {
  const int64_t T = q.size(-2);
  std::vector<torch::Tensor> columns;
  for (int64_t s = 0; s < T; ++s) {
    const auto left = (sums.narrow(-2, s, T - s) - sums.narrow(-2, s, 1)).exp();
    const auto column = (q.narrow(-2, s, T - s) * k.narrow(-2, s, 1) * left).sum(-1);
    columns.push_back(torch::constant_pad_nd(column, {s, 0}));  // [..., T]
  }
  return torch::stack(columns, -1);
}

/// Decays by channel. Between a part of the queries and the keys before it, the decay splits at
/// `border`, the last token before the part: exp(sums_t - border) exp(border - sums_s).
/// q, k, sums [..., T, Dk], v [..., T, Dv] -> [..., T, Dv]
torch::Tensor channel_weighted_values(const torch::Tensor& q, const torch::Tensor& k,
                                      const torch::Tensor& v, const torch::Tensor& sums) {
  const int64_t T = q.size(-2);
  std::vector<torch::Tensor> parts;
  for (int64_t start = 0; start < T; start += kPart) {
    const int64_t rows = std::min(kPart, T - start);
    const auto of_part = [&](const torch::Tensor& t) { return t.narrow(-2, start, rows); };
    auto y = torch::matmul(channel_scores(of_part(q), of_part(k), of_part(sums)), of_part(v));
    if (start > 0) {
      const auto before = [&](const torch::Tensor& t) { return t.narrow(-2, 0, start); };
      const auto border = sums.narrow(-2, start - 1, 1);                   // [..., 1, Dk]
      const auto queries = of_part(q) * (of_part(sums) - border).exp();    // [..., rows, Dk]
      const auto keys = before(k) * (border - before(sums)).exp();         // [..., start, Dk]
      const auto scores = torch::matmul(queries, keys.transpose(-2, -1));  // [..., rows, start]
      y = y + torch::matmul(scores, before(v));                            // [..., rows, Dv]
    }
    parts.push_back(y);
  }
  return torch::cat(parts, -2);
}

torch::Tensor within_chunks(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                            const torch::Tensor& sums) {
  if (!sums.defined() || sums.size(-1) == 1) return weighted_values(q, k, v, sums);
  const int64_t H = v.size(1);
  return channel_weighted_values(repeat_groups(q, H), repeat_groups(k, H), v, sums);
}

/// Some chunks of W tokens, the last one filled up. g [B, H, T, 1 or Dk], or undefined.
LinearAttentionResult several_chunks(const torch::Tensor& q, const torch::Tensor& k,
                                     const torch::Tensor& v, const torch::Tensor& g,
                                     const torch::Tensor& state, int64_t W) {
  const int64_t H = v.size(1), T = v.size(2), chunks = (T + W - 1) / W;
  // [B, H, T, D] -> [B, H, chunks, W, D]; what is added to the last chunk changes no state.
  const int64_t added_tokens = chunks * W - T;
  const auto split = [&](const torch::Tensor& t) {
    return (added_tokens == 0 ? t : torch::constant_pad_nd(t, {0, 0, 0, added_tokens}))
        .unflatten(2, {chunks, W});
  };
  const auto sums = g.defined() ? split(g).cumsum(3) : g;  // [B, H, chunks, W, 1 or Dk]
  const auto queries = split(q), keys = split(k), values = split(v);
  const auto within = within_chunks(queries, keys, values, sums);  // [B, H, chunks, W, Dv]

  // What a chunk adds to the state, as of its last token; and what it leaves of an older one. One
  // decay a token may as well stand at the values, which are narrower than random features.
  const bool by_channel = sums.defined() && sums.size(-1) > 1;
  auto at_end = repeat_groups(keys, H), from_start = repeat_groups(queries, H);
  auto arriving = values;
  torch::Tensor left;  // [B, H, chunks, 1 or Dk, 1]
  if (sums.defined()) {
    const auto last = sums.narrow(3, W - 1, 1);  // [B, H, chunks, 1, 1 or Dk]
    const auto until_end = (last - sums).exp();  // [B, H, chunks, W, 1 or Dk]
    if (by_channel) {
      at_end = at_end * until_end;
      from_start = from_start * sums.exp();
    } else {
      arriving = arriving * until_end;
    }
    left = last.exp().transpose(-2, -1);
  }
  const auto added = torch::matmul(at_end.transpose(-2, -1), arriving);  // [B, H, chunks, Dk, Dv]
  auto S = state;
  std::vector<torch::Tensor> before;
  for (int64_t c = 0; c < chunks; ++c) {
    before.push_back(S);
    S = (left.defined() ? S * left.select(2, c) : S) + added.select(2, c);  // [B, H, Dk, Dv]
  }
  auto earlier = torch::matmul(from_start, torch::stack(before, 2));  // as within
  if (sums.defined() && !by_channel) earlier = earlier * sums.exp();
  return {(within + earlier).flatten(2, 3).narrow(2, 0, T), S};
}

}  // namespace

torch::Tensor linear_attention_parallel(const torch::Tensor& q, const torch::Tensor& k,
                                        const torch::Tensor& v, const torch::Tensor& log_decay) {
  const LinearSizes n = sizes_of(q, k, v);
  const auto g = expanded_decay(log_decay, n);
  if (!g.defined() || g.size(-1) == 1)
    return weighted_values(q, k, v, g.defined() ? g.cumsum(2) : g);
  const auto sums = g.cumsum(2);  // [B, H, T, Dk]
  const auto left =
      (sums.unsqueeze(3) - sums.unsqueeze(2)).clamp_max(0.0).exp();  // [B, H, T, T, Dk]
  const auto products =
      repeat_groups(q, n.H).unsqueeze(3) * repeat_groups(k, n.H).unsqueeze(2);  // as left
  return torch::matmul((products * left).sum(-1).tril(), v);                    // [B, H, T, Dv]
}

LinearAttentionResult linear_attention_recurrent(const torch::Tensor& q, const torch::Tensor& k,
                                                 const torch::Tensor& v,
                                                 const torch::Tensor& log_decay,
                                                 const torch::Tensor& state) {
  const LinearSizes n = sizes_of(q, k, v);
  const auto g = expanded_decay(log_decay, n);
  auto S = first_of(state, v, n);  // [B, H, Dk, Dv]
  std::vector<torch::Tensor> ys{v.narrow(2, 0, 0)};
  for (int64_t t = 0; t < n.T; ++t) {
    const auto query = repeat_groups(q.narrow(2, t, 1), n.H);     // [B, H, 1, Dk]
    const auto key = repeat_groups(k.narrow(2, t, 1), n.H);       // [B, H, 1, Dk]
    if (g.defined()) S = S * g.select(2, t).exp().unsqueeze(-1);  // forget
    S = S + key.transpose(-2, -1) * v.narrow(2, t, 1);            // add k v^T
    ys.push_back(torch::matmul(query, S));                        // [B, H, 1, Dv]
  }
  return {torch::cat(ys, 2), S};
}

LinearAttentionResult linear_attention_chunked(const torch::Tensor& q, const torch::Tensor& k,
                                               const torch::Tensor& v,
                                               const torch::Tensor& log_decay,
                                               const torch::Tensor& state, int64_t chunk) {
  const LinearSizes n = sizes_of(q, k, v);
  TORCH_CHECK(chunk >= 1, "linear attention: chunk must be 1 or more, got ", chunk);
  if (n.T <= 1) return linear_attention_recurrent(q, k, v, log_decay, state);
  const auto g = expanded_decay(log_decay, n);
  const int64_t W = std::min(chunk, n.T), at_once = detail::tokens_at_once(v, W, n.Dk);
  LinearAttentionResult result{{}, first_of(state, v, n)};
  std::vector<torch::Tensor> ys;
  for (int64_t start = 0; start < n.T; start += at_once) {
    const int64_t tokens = std::min(at_once, n.T - start);
    const auto part = [&](const torch::Tensor& t) {
      return t.defined() ? t.narrow(2, start, tokens) : t;
    };
    result = several_chunks(part(q), part(k), part(v), part(g), result.state, W);
    ys.push_back(result.y);
  }
  return {ys.size() == 1 ? ys.front() : torch::cat(ys, 2), result.state};
}

torch::Tensor linear_attention_full(const torch::Tensor& q, const torch::Tensor& k,
                                    const torch::Tensor& v) {
  return torch::matmul(q, torch::matmul(k.transpose(-2, -1), v));  // [B, H, T, Dv]
}

double linear_attention_operations(int64_t T, int64_t groups, int64_t heads, int64_t key_width,
                                   int64_t value_width, int64_t chunk, bool by_channel) {
  if (T < 1) return 0.0;
  const auto Dk = static_cast<double>(key_width), Dv = static_cast<double>(value_width);
  const auto H = static_cast<double>(heads), G = static_cast<double>(groups);
  if (T == 1) return 2 * H * Dk * Dv;
  const int64_t W = std::min(chunk, T), chunks = (T + W - 1) / W;
  double within = 0.0;  // of one chunk
  if (!by_channel) {
    const auto square = static_cast<double>(W * W);
    within = 2 * square * (G * Dk + H * Dv);
  } else {
    for (int64_t start = 0; start < W; start += kPart) {
      const auto rows = static_cast<double>(std::min(kPart, W - start));
      within += 2 * H * rows * (static_cast<double>(start) * (Dk + Dv) + rows * Dv);
    }
  }
  return static_cast<double>(chunks) * (within + 4 * H * static_cast<double>(W) * Dk * Dv);
}

torch::Tensor with_ones(const torch::Tensor& v) {
  return torch::cat({v, torch::ones_like(v.narrow(-1, 0, 1))}, -1);
}

torch::Tensor divided_by_ones(const torch::Tensor& y) {
  const int64_t Dv = y.size(-1) - 1;
  const auto sum = y.narrow(-1, Dv, 1);  // [B, H, T, 1]
  // The least number whose reciprocal is finite; float16 and bfloat16 cannot hold float32's.
  const double least = y.scalar_type() == torch::kHalf ? 6.2e-5 : 1e-37;
  return y.narrow(-1, 0, Dv) / sum.clamp_min(least);
}

}  // namespace zoo
