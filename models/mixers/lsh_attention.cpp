// Hash, sort, attend in chunks, put back. Every index has a shape that depends on T alone, so
// nothing waits for a device.
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

/// Scores with `own` weak, `hidden` gone and keys of n rounds (`times`) counted once each, as a
/// softmax would have them: Appendix A. At least float32.
torch::Tensor masked_scores(const torch::Tensor& scores, const torch::Tensor& own,
                            const torch::Tensor& hidden, const torch::Tensor& times) {
  auto s = at::isReducedFloatingType(scores.scalar_type()) ? scores.to(torch::kFloat) : scores;
  s = s.masked_fill(own, kOwnScore);
  if (times.defined()) s = s - times.clamp_min(1).to(s.scalar_type()).log();
  return s.masked_fill(hidden, kHiddenScore);
}

/// Where the tokens of each round lie after sorting: chunks of m slots, some of them empty.
struct Slots {
  int64_t chunks = 0, m = 0;
  torch::Tensor token =
      {};                   // [B, H, R, chunks m] int64: the token in a slot, T where there is none
  torch::Tensor slot = {};  // [B, H, R, T]: the slot of a token; padding: 0
};

Slots sort_into_slots(const torch::Tensor& buckets, const LshCodes& codes, const LshOptions& o) {
  const int64_t T = buckets.size(3), m = o.chunk;
  Slots out{.chunks = chunks_for(T, o), .m = m};
  const auto used = (codes.counts + (m - 1)).div(m, "floor");  // [B, H, R, n]: chunks of a bucket
  const auto first = used.cumsum(-1) - used;
  const auto slot = first.gather(-1, buckets) * m + codes.ranks;  // [B, H, R, T]
  const auto padding = codes.codes.lt(0);
  const int64_t slots = out.chunks * m;
  const auto tokens = torch::arange(T, buckets.options()).expand(buckets.sizes());
  auto shape = buckets.sizes().vec();
  shape.back() = slots + 1;  // the last one takes all padding
  out.token = torch::full(shape, T, buckets.options())
                  .scatter(-1, slot.masked_fill(padding, slots), tokens)
                  .narrow(-1, 0, slots);
  out.slot = slot.masked_fill(padding, 0);
  return out;
}

/// t [B, H, R or 1, T, ...] with a row of `blank` after the last -> its rows in the slots: [B, H,
/// R, chunks, m, ...]
torch::Tensor in_slots(const torch::Tensor& t, const Slots& s, double blank) {
  const bool wide = t.dim() == 5;
  const int64_t R = s.token.size(2);
  if (!wide) {  // [B, H, R, T] int64
    const auto padded = torch::constant_pad_nd(t, {0, 1}, blank);
    return padded.gather(-1, s.token).unflatten(-1, {s.chunks, s.m});
  }
  const auto padded =
      torch::constant_pad_nd(t.squeeze(2), {0, 0, 0, 1}, blank);  // [B, H, T + 1, D]
  const auto at = s.token.flatten(2).unsqueeze(-1).expand({-1, -1, -1, t.size(-1)});
  return padded.gather(2, at).unflatten(2, {R, s.chunks, s.m});  // [B, H, R, chunks, m, D]
}

/// [B, H, R, chunks, m, ...] -> each chunk behind the one before it: [B, H, R, chunks, 2 m, ...].
torch::Tensor with_chunk_before(const torch::Tensor& t, double blank) {
  const auto shifted = t.narrow(3, 0, t.size(3) - 1);
  std::vector<int64_t> padding(static_cast<size_t>(2 * (t.dim() - 3)), 0);
  padding[padding.size() - 2] = 1;  // one chunk at the start
  return torch::cat({torch::constant_pad_nd(shifted, padding, blank), t}, 4);
}

/// In how many rounds a query sees a key, in the slots of each round: [B, H, R, chunks, m, 2 m].
torch::Tensor times_seen(const torch::Tensor& codes, const Slots& s) {
  torch::Tensor times;
  const int64_t R = codes.size(2);
  for (int64_t r = 0; r < R; ++r) {
    const auto in_round = codes.narrow(2, r, 1).expand(codes.sizes());
    const auto query = in_slots(in_round, s, kNoCode);  // [B, H, R, chunks, m]
    const auto seen = sees(query, with_chunk_before(query, kNoCode)).to(torch::kShort);
    times = times.defined() ? times + seen : seen;
  }
  return times;
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
  const Slots slots = sort_into_slots(buckets, codes, o);
  const auto spread = [&](const torch::Tensor& t) { return in_slots(t.unsqueeze(2), slots, 0.0); };
  const auto clean = detail::without_padding(q, lengths);
  const auto queries = spread(clean);                                // [., chunks, m, Dk]
  const auto keys = with_chunk_before(spread(as_keys(clean)), 0.0);  // [., chunks, 2 m, Dk]
  const auto values = with_chunk_before(spread(detail::without_padding(v, lengths)), 0.0);

  const auto token = slots.token.unflatten(-1, {slots.chunks, slots.m});
  const auto key_token = with_chunk_before(token, static_cast<double>(T)).unsqueeze(-2);
  const auto query_token = token.unsqueeze(-1);
  const auto code = in_slots(codes.codes, slots, kNoCode);
  auto hidden = sees(code, with_chunk_before(code, kNoCode)).logical_not();  // [., chunks, m, 2 m]
  if (o.causal) hidden = hidden | key_token.gt(query_token);
  const double scale = 1.0 / std::sqrt(static_cast<double>(q.size(3)));
  const auto scores = masked_scores(torch::matmul(queries, keys.transpose(-2, -1)) * scale,
                                    key_token.eq(query_token), hidden,
                                    R > 1 ? times_seen(codes.codes, slots) : torch::Tensor());
  const auto log_sum = scores.logsumexp(-1, true);  // z of Eq. 2: [., chunks, m, 1]
  const auto y = torch::matmul((scores - log_sum).exp().to(v.scalar_type()), values);

  // Back in the order of the text, and one softmax over the rounds.
  const auto at = slots.slot.unsqueeze(-1);  // [B, H, R, T, 1]
  const auto weights = log_sum.flatten(3, 4).gather(3, at).softmax(2).to(v.scalar_type());
  const auto in_order = y.flatten(3, 4).gather(3, at.expand({-1, -1, -1, -1, v.size(3)}));
  return detail::without_padding((in_order * weights).sum(2), lengths);  // [B, H, T, Dv]
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
  const auto scores = masked_scores(torch::matmul(q, k.transpose(-2, -1)) * scale,
                                    position.eq(query_position), hidden, {});
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
