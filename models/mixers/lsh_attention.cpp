// Hash, sort, attend in chunks, put back. Every shape depends on T alone, so nothing waits for a
// device. A key that several rounds show counts in the first of them only.
#include "models/mixers/lsh_attention.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>

#include "models/mixers/heads.h"

namespace zoo {
namespace {

// Finite, so that a slot without a token gives no NaN. As in the authors' code.
constexpr double kHiddenScore = -1e9, kOwnScore = -1e5;
constexpr int64_t kLargestDigit = 16;
// Codes of neighbouring buckets are this far apart: more than a bucket has chunks.
constexpr int64_t kCodesPerBucket = int64_t{1} << 40;

int64_t chunks_for(int64_t T, const LshOptions& o) {
  return std::min(T, (T + o.buckets * (o.chunk - 1)) / o.chunk);
}

/// Real keys that the query with this code sees.
torch::Tensor sees(const torch::Tensor& query_codes, const torch::Tensor& key_codes) {
  const auto distance = query_codes.unsqueeze(-1) - key_codes.unsqueeze(-2);
  return (distance.eq(0) | distance.eq(1)) & key_codes.ge(0).unsqueeze(-2);
}

/// The rows of all heads one below the other, each head's followed by one of zeros, to be read in
/// any order.
class HeadRows {
 public:
  explicit HeadRows(const torch::Tensor& t)  // [B, H, T, D]
      : B_(t.size(0)),
        H_(t.size(1)),
        D_(t.size(3)),
        flat_(torch::constant_pad_nd(t, {0, 0, 0, 1}).reshape({-1, D_})) {
    const int64_t rows = t.size(2) + 1;
    starts_ = torch::arange(B_ * H_, t.options().dtype(torch::kLong).requires_grad(false))
                  .mul_(rows)
                  .view({B_, H_, 1});
  }
  /// tokens [B, H, n, m] or [B, H, n] -> [B, H, n, m, D] or [B, H, n, D]
  torch::Tensor at(const torch::Tensor& tokens) const {
    auto shape = tokens.sizes().vec();
    shape.push_back(D_);
    return flat_.index_select(0, (tokens.flatten(2) + starts_).flatten()).view(shape);
  }

 private:
  int64_t B_, H_, D_;
  torch::Tensor flat_, starts_;
};

/// Where the tokens of one round lie after sorting: chunks of m slots, some of them empty.
struct RoundLayout {
  torch::Tensor queries =
      {};                   // [B, H, chunks, m] int64: the token in a slot, T where there is none
  torch::Tensor keys = {};  // [B, H, chunks, 2 m]: with the chunk before, if its bucket is the same
  torch::Tensor slot = {};  // [B, H, T]: the slot of a token; padding: the first
  torch::Tensor code = {};  // [B, H, T + 1] int32: chunk + bucket; padding and the last: -2
};

RoundLayout layout_of(const torch::Tensor& buckets, const LshCodes& all, int64_t r,
                      const LshOptions& o) {
  const int64_t T = buckets.size(3), m = o.chunk, chunks = chunks_for(T, o);
  const auto bucket = buckets.select(2, r), padding = all.codes.select(2, r).lt(0);  // [B, H, T]
  const auto used = (all.counts.select(2, r) + (m - 1)).div(m, "floor");  // chunks of a bucket
  const auto first = (used.cumsum(-1) - used).gather(-1, bucket);         // [B, H, T]
  const auto slot = first * m + all.ranks.select(2, r);
  const auto tokens = torch::arange(T, buckets.options()).expand(bucket.sizes());
  auto shape = bucket.sizes().vec();
  shape.back() = chunks * m + 1;  // the last one takes all padding
  RoundLayout out;
  out.queries = torch::full(shape, T, buckets.options())
                    .scatter(-1, slot.masked_fill(padding, chunks * m), tokens)
                    .narrow(-1, 0, chunks * m)
                    .unflatten(-1, {chunks, m});
  out.slot = slot.masked_fill(padding, 0);
  // A chunk's bucket is that of its first token; an empty chunk has none.
  const auto bucket_of = torch::constant_pad_nd(bucket, {0, 1}, -1);  // [B, H, T + 1]
  const auto of_chunk =
      bucket_of.gather(-1, out.queries.select(-1, 0)).unsqueeze(-1);  // [B, H, chunks, 1]
  const auto before = torch::constant_pad_nd(out.queries.narrow(2, 0, chunks - 1), {0, 0, 1, 0},
                                             static_cast<double>(T));
  const auto before_bucket =
      torch::constant_pad_nd(of_chunk.narrow(2, 0, chunks - 1), {0, 0, 1, 0}, -1);
  out.keys = torch::cat({before.masked_fill(before_bucket.ne(of_chunk), T), out.queries}, -1);
  const auto chunk = first + all.ranks.select(2, r).div(m, "floor");
  out.code = torch::constant_pad_nd((chunk + bucket).masked_fill(padding, kNoCode), {0, 1}, kNoCode)
                 .to(torch::kInt);
  return out;
}

/// Keys that a query has seen in an earlier round: [B, H, n, m, 2 m]. queries [B, H, n, m], keys
/// [B, H, n, 2 m]: tokens.
torch::Tensor seen_before(const RoundLayout& earlier, const torch::Tensor& queries,
                          const torch::Tensor& keys) {
  const auto code = [&](const torch::Tensor& tokens) {
    return earlier.code.gather(-1, tokens.flatten(2)).view(tokens.sizes());
  };
  const auto query = code(queries).unsqueeze(-1), key = code(keys).unsqueeze(-2);
  return key.eq(query) | key.eq(query - 1);
}

struct RoundResult {
  torch::Tensor y;        // [B, H, T, Dv]
  torch::Tensor log_sum;  // [B, H, T, 1]: z of Eq. 2
};

/// The softmax over the keys of round r that earlier rounds have not shown. Some chunks at a time.
RoundResult attend_in_round(const HeadRows& q, const HeadRows& k, const HeadRows& v,
                            const std::vector<RoundLayout>& layouts, size_t r, const LshOptions& o,
                            int64_t chunks_at_once, int64_t T) {
  const RoundLayout& layout = layouts[r];
  const int64_t chunks = layout.queries.size(2);
  std::vector<torch::Tensor> ys, log_sums;
  for (int64_t first = 0; first < chunks; first += chunks_at_once) {
    const int64_t count = std::min(chunks_at_once, chunks - first);
    const auto queries = layout.queries.narrow(2, first, count);  // [B, H, n, m]
    const auto keys = layout.keys.narrow(2, first, count);        // [B, H, n, 2 m]
    const auto query = queries.to(torch::kInt).unsqueeze(-1),
               key = keys.to(torch::kInt).unsqueeze(-2);
    auto scores = torch::matmul(q.at(queries), k.at(keys).transpose(-2, -1));  // [B, H, n, m, 2 m]
    if (at::isReducedFloatingType(scores.scalar_type())) scores = scores.to(torch::kFloat);
    auto hidden = o.causal ? key.gt(query) : key.eq(T);
    for (size_t earlier = 0; earlier < r; ++earlier)
      hidden = hidden | seen_before(layouts[earlier], queries, keys);
    // In place: no backward pass needs the old numbers.
    if (r == 0) scores.masked_fill_(key.eq(query), kOwnScore);  // later rounds: seen before
    scores.masked_fill_(hidden, kHiddenScore);
    const auto largest = scores.detach().amax(-1, true);
    const auto weights = scores.sub_(largest).exp_();
    const auto sum = weights.sum(-1, true);  // [B, H, n, m, 1]
    const auto values = v.at(keys);          // [B, H, n, 2 m, Dv]
    ys.push_back(torch::matmul(weights.to(values.scalar_type()), values) /
                 sum.to(values.scalar_type()));
    log_sums.push_back(largest + sum.log());
  }
  // Back in the order of the text.
  const auto in_order = [&](const std::vector<torch::Tensor>& parts) {
    const auto slots = torch::cat(parts, 2).flatten(2, 3);  // [B, H, chunks m, .]
    return slots.gather(2, layout.slot.unsqueeze(-1).expand({-1, -1, -1, slots.size(3)}));
  };
  return {in_order(ys), in_order(log_sums)};
}

void check_lsh(const torch::Tensor& q, const torch::Tensor& v, const torch::Tensor& buckets,
               const LshOptions& o) {
  TORCH_CHECK(q.dim() == 4 && v.dim() == 4 && q.size(2) == v.size(2),
              "lsh_attention: q and v must be [batch, heads, length, width], got ", q.sizes(),
              " and ", v.sizes());
  TORCH_CHECK(buckets.dim() == 4 && buckets.scalar_type() == torch::kLong &&
                  buckets.size(0) == q.size(0) && buckets.size(1) == q.size(1) &&
                  buckets.size(2) > 0 && buckets.size(3) == q.size(2),
              "lsh_attention: buckets must be int64 [batch, heads, rounds, length], got ",
              buckets.dtype(), " ", buckets.sizes());
  TORCH_CHECK(o.buckets > 0 && o.chunk > 0,
              "lsh_attention: buckets and chunk must be 1 or more, got ", o.buckets, " and ",
              o.chunk);
}

}  // namespace

std::vector<int64_t> hash_digits(int64_t buckets) {
  TORCH_CHECK(buckets > 0 && (buckets & (buckets - 1)) == 0,
              "hash: buckets must be a power of two, got ", buckets);
  std::vector<int64_t> digits;
  for (; buckets > 1; buckets /= digits.back()) digits.push_back(std::min(buckets, kLargestDigit));
  return digits;
}

torch::Tensor hash_directions(int64_t rounds, int64_t head_width, int64_t buckets) {
  int64_t columns = 0;
  for (const int64_t digit : hash_digits(buckets)) columns += digit / 2;
  return torch::randn({rounds, head_width, columns});
}

torch::Tensor lsh_buckets(const torch::Tensor& x, const torch::Tensor& directions,
                          int64_t buckets) {
  const torch::NoGradGuard no_grad;
  if (buckets == 1)
    return torch::zeros({x.size(0), x.size(1), directions.size(0), x.size(2)},
                        x.options().dtype(torch::kLong).requires_grad(false));
  const auto projected =
      torch::matmul(x.unsqueeze(2), directions.to(x.device(), x.scalar_type()));  // [B, H, R, T, .]
  auto bucket = torch::zeros({x.size(0), x.size(1), directions.size(0), x.size(2)},
                             x.options().dtype(torch::kLong).requires_grad(false));
  int64_t column = 0;
  for (const int64_t digit : hash_digits(buckets)) {
    const auto part = projected.narrow(-1, column, digit / 2);
    bucket = bucket * digit + torch::cat({part, -part}, -1).argmax(-1);
    column += digit / 2;
  }
  return bucket;
}

torch::Tensor as_keys(const torch::Tensor& x) { return x / x.norm(2, {-1}, true).clamp_min(1e-6); }

LshCodes lsh_codes(const torch::Tensor& buckets, const LshOptions& o, const torch::Tensor& lengths,
                   const torch::Tensor& counts) {
  const int64_t T = buckets.size(3);
  // Padding goes to a bucket of its own, the last.
  auto padding = torch::zeros({1, 1, 1, T}, buckets.options().dtype(torch::kBool));
  if (lengths.defined())
    padding = detail::real_tokens(lengths, T, buckets.device()).logical_not().view({-1, 1, 1, T});
  const auto sorted_by = buckets.masked_fill(padding, o.buckets);  // [B, H, R, T]
  auto shape = buckets.sizes().vec();
  shape.back() = o.buckets + 1;
  const auto sizes =
      torch::zeros(shape, buckets.options()).scatter_add(-1, sorted_by, torch::ones_like(buckets));
  const auto starts = sizes.cumsum(-1) - sizes;
  const auto order = sorted_by.argsort(/*stable=*/true, -1);  // [B, H, R, T]
  const auto rank_in_order =
      torch::arange(T, buckets.options()) - starts.gather(-1, sorted_by.gather(-1, order));
  auto ranks = torch::zeros_like(buckets).scatter(-1, order, rank_in_order);
  auto totals = sizes.narrow(-1, 0, o.buckets);
  if (counts.defined()) {
    ranks = ranks + counts.gather(-1, buckets);
    totals = totals + counts;
  }
  const auto codes = buckets * kCodesPerBucket + ranks.div(o.chunk, "floor");
  return {codes.masked_fill(padding, kNoCode), ranks, totals};
}

torch::Tensor lsh_attention(const torch::Tensor& q, const torch::Tensor& v,
                            const torch::Tensor& buckets, const LshOptions& o,
                            const torch::Tensor& lengths) {
  check_lsh(q, v, buckets, o);
  const int64_t T = q.size(2), R = buckets.size(2);
  if (q.numel() == 0 || v.numel() == 0) return v + q.sum() * 0.0;
  const LshCodes codes = lsh_codes(buckets, o, lengths);
  std::vector<RoundLayout> layouts;
  for (int64_t r = 0; r < R; ++r) layouts.push_back(layout_of(buckets, codes, r, o));
  const auto clean = detail::without_padding(q, lengths);
  const HeadRows queries(clean / std::sqrt(static_cast<double>(q.size(3)))), keys(as_keys(clean)),
      values(detail::without_padding(v, lengths));
  const int64_t chunks_at_once = detail::tokens_at_once(v, o.chunk, v.size(3)) / o.chunk;
  std::vector<torch::Tensor> ys, log_sums;
  for (size_t r = 0; r < layouts.size(); ++r) {
    const auto round = attend_in_round(queries, keys, values, layouts, r, o, chunks_at_once, T);
    ys.push_back(round.y);
    log_sums.push_back(round.log_sum);
  }
  // One softmax over the rounds.
  auto y = ys.front();
  if (R > 1) {
    const auto weights = torch::stack(log_sums).softmax(0).to(v.scalar_type());  // [R, B, H, T, 1]
    y = (torch::stack(ys) * weights).sum(0);                                     // [B, H, T, Dv]
  }
  return detail::without_padding(y, lengths);
}

torch::Tensor lsh_attention_of_last(const torch::Tensor& q, const torch::Tensor& k,
                                    const torch::Tensor& v, const torch::Tensor& codes) {
  const int64_t T = q.size(2), S = k.size(2), R = codes.size(2);
  torch::Tensor seen;  // [B, H, T, S]: in any round
  for (int64_t r = 0; r < R; ++r) {
    const auto of_keys = codes.select(2, r);
    const auto here = sees(of_keys.narrow(2, S - T, T), of_keys);
    seen = seen.defined() ? seen | here : here;
  }
  const auto position = torch::arange(S, codes.options());
  const auto query_position = position.narrow(0, S - T, T).unsqueeze(-1);
  const auto hidden = seen.logical_not() | position.gt(query_position);
  const double scale = 1.0 / std::sqrt(static_cast<double>(q.size(3)));
  auto scores = torch::matmul(q, k.transpose(-2, -1)) * scale;  // [B, H, T, S]
  if (at::isReducedFloatingType(scores.scalar_type())) scores = scores.to(torch::kFloat);
  scores =
      scores.masked_fill(position.eq(query_position), kOwnScore).masked_fill(hidden, kHiddenScore);
  return torch::matmul(scores.softmax(-1).to(v.scalar_type()), v);  // [B, H, T, Dv]
}

double lsh_operations(int64_t T, int64_t rounds, int64_t key_width, int64_t value_width,
                      const LshOptions& o) {
  double columns = 0.0;
  for (const int64_t digit : hash_digits(o.buckets)) columns += static_cast<double>(digit) / 2;
  const auto R = static_cast<double>(rounds), Dk = static_cast<double>(key_width);
  const auto m = static_cast<double>(o.chunk);
  const double slots = static_cast<double>(chunks_for(T, o)) * m;
  return 2 * R * static_cast<double>(T) * Dk * columns +
         4 * R * slots * m * (Dk + static_cast<double>(value_width));
}

}  // namespace zoo
