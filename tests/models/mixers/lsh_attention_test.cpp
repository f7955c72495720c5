// LSH attention against exact attention over the keys that its rounds see, worked out token by
// token from the definition.
#include "models/mixers/lsh_attention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/support/flop_counter.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using testing::torch_error_of;

constexpr int64_t kBatch = 2, kHeads = 3, kKeyWidth = 4, kValueWidth = 5;

torch::Tensor random_buckets(int64_t rounds, int64_t T, int64_t n) {
  return torch::randint(n, {kBatch, kHeads, rounds, T}, torch::kLong);
}

/// softmax(q k^T / sqrt(Dk)) v over the keys of `may` [B, H, T, T].
torch::Tensor exact_attention(const torch::Tensor& q, const torch::Tensor& k,
                              const torch::Tensor& v, const torch::Tensor& may) {
  const auto scores =
      torch::matmul(q, k.transpose(-2, -1)) / std::sqrt(static_cast<double>(q.size(3)));
  return torch::matmul(scores.masked_fill(may.logical_not(), -INFINITY).softmax(-1), v);
}

/// Exact attention with every key that any round shows: [B, H, T, Dv].
torch::Tensor over_seen_keys(const torch::Tensor& q, const torch::Tensor& v,
                             const torch::Tensor& buckets, const LshOptions& o) {
  const int64_t T = q.size(2), R = buckets.size(2);
  auto seen = torch::zeros({kBatch, kHeads, T, T}, torch::kBool);
  const auto of = buckets.accessor<int64_t, 4>();
  auto may = seen.accessor<bool, 4>();
  for (int64_t b = 0; b < kBatch; ++b)
    for (int64_t h = 0; h < kHeads; ++h)
      for (int64_t r = 0; r < R; ++r) {
        std::vector<int64_t> count(static_cast<size_t>(o.buckets)), chunk(static_cast<size_t>(T));
        for (int64_t t = 0; t < T; ++t)
          chunk[static_cast<size_t>(t)] = count[static_cast<size_t>(of[b][h][r][t])]++ / o.chunk;
        for (int64_t t = 0; t < T; ++t)
          for (int64_t s = 0; s < T; ++s) {
            const int64_t back = chunk[static_cast<size_t>(t)] - chunk[static_cast<size_t>(s)];
            if (of[b][h][r][t] == of[b][h][r][s] && (back == 0 || back == 1) &&
                (s <= t || !o.causal))
              may[b][h][t][s] = true;
          }
      }
  // A token sees itself only where there is nothing else.
  const auto alone = seen.sum(-1, true).eq(1);
  const auto diagonal = torch::eye(T, torch::kBool);
  return exact_attention(q, as_keys(q), v, seen & (diagonal.logical_not() | alone));
}

struct LshCase {
  torch::Tensor q, v;
};
LshCase lsh_case(int64_t T) {
  torch::manual_seed(8);
  return {torch::randn({kBatch, kHeads, T, kKeyWidth}, torch::kDouble),
          torch::randn({kBatch, kHeads, T, kValueWidth}, torch::kDouble)};
}

TEST(LshAttentionTest, OneBucketIsExactAttention) {
  const auto [q, v] = lsh_case(12);
  const auto buckets = torch::zeros({kBatch, kHeads, 1, 12}, torch::kLong);
  for (const bool causal : {true, false}) {
    auto may = torch::ones({12, 12}, torch::kBool);
    if (causal) may = may.tril();
    may = may & torch::eye(12, torch::kBool).logical_not();
    may[0][0] = causal;  // nothing else to see
    const auto exact = exact_attention(q, as_keys(q), v, may);
    const auto y = lsh_attention(q, v, buckets, {.buckets = 1, .chunk = 12, .causal = causal});
    EXPECT_TRUE(torch::allclose(y, exact, 1e-10, 1e-10)) << causal;
  }
}

TEST(LshAttentionTest, IsExactOverTheKeysOfAllRounds) {
  for (const int64_t T : {1, 2, 13, 30}) {
    const auto [q, v] = lsh_case(T);
    for (const int64_t rounds : {1, 2, 5})
      for (const int64_t n : {1, 2, 8})
        for (const int64_t chunk : {1, 3, 16})
          for (const bool causal : {true, false}) {
            const auto buckets = random_buckets(rounds, T, n);
            const LshOptions o{.buckets = n, .chunk = chunk, .causal = causal};
            EXPECT_TRUE(torch::allclose(lsh_attention(q, v, buckets, o),
                                        over_seen_keys(q, v, buckets, o), 1e-8, 1e-10))
                << "T " << T << ", rounds " << rounds << ", buckets " << n << ", chunk " << chunk;
          }
  }
}

TEST(LshAttentionTest, LongTextsAreComputedInParts) {
  const auto [q, v] = lsh_case(800);  // more than is computed at once
  for (const bool causal : {true, false}) {
    const auto buckets = random_buckets(3, 800, 8);
    const LshOptions o{.buckets = 8, .chunk = 32, .causal = causal};
    EXPECT_TRUE(torch::allclose(lsh_attention(q, v, buckets, o), over_seen_keys(q, v, buckets, o),
                                1e-8, 1e-10));
  }
}

TEST(LshAttentionTest, TheLastTokensAloneGetTheSame) {
  const auto [q, v] = lsh_case(21);
  const LshOptions o{.buckets = 4, .chunk = 2};
  const auto buckets = random_buckets(3, 21, 4);
  const auto whole = lsh_attention(q, v, buckets, o);
  const auto codes = lsh_codes(buckets, o).codes;
  const auto last = lsh_attention_of_last(q.narrow(2, 16, 5), as_keys(q), v, codes);
  EXPECT_TRUE(torch::allclose(last, whole.narrow(2, 16, 5), 1e-10, 1e-10));
  // Codes that are continued from the counts so far are those of the whole.
  const auto first = lsh_codes(buckets.narrow(3, 0, 16), o);
  const auto then = lsh_codes(buckets.narrow(3, 16, 5), o, {}, first.counts);
  EXPECT_TRUE(torch::equal(torch::cat({first.codes, then.codes}, 3), codes));
}

TEST(LshAttentionTest, MoreRoundsMissLess) {
  // Queries in clusters, as trained ones are: the nearest keys are few.
  torch::manual_seed(9);
  const auto centres = torch::randn({40, 16}, torch::kDouble) * 8;
  const auto q = (centres.index_select(0, torch::randint(40, {256}, torch::kLong)) +
                  torch::randn({256, 16}, torch::kDouble) * 0.5)
                     .view({1, 1, 256, 16});
  const auto v = torch::randn({1, 1, 256, 16}, torch::kDouble);
  const auto exact =
      lsh_attention(q, v, torch::zeros({1, 1, 1, 256}, torch::kLong), {.buckets = 1, .chunk = 256});
  std::vector<double> errors;
  for (const int64_t rounds : {1, 4, 16}) {
    const auto buckets = lsh_buckets(q, hash_directions(rounds, 16, 16), 16);
    const auto y = lsh_attention(q, v, buckets, {.buckets = 16, .chunk = 32});
    errors.push_back(((y - exact).norm() / exact.norm()).item<double>());
  }
  EXPECT_LT(errors[1], errors[0]);
  EXPECT_LT(errors[2], errors[1]);
  EXPECT_LT(errors[2], 0.2);
}

TEST(LshAttentionTest, NearVectorsShareTheirBucketAndOppositeOnesDoNot) {
  torch::manual_seed(10);
  const auto x = torch::randn({1, 1, 500, 16}, torch::kDouble);
  const auto directions = hash_directions(4, 16, 64);
  const auto buckets = lsh_buckets(x, directions, 64);
  EXPECT_GE(buckets.min().item<int64_t>(), 0);
  EXPECT_LT(buckets.max().item<int64_t>(), 64);
  const auto share = [&](const torch::Tensor& other) {
    return lsh_buckets(other, directions, 64).eq(buckets).to(torch::kDouble).mean().item<double>();
  };
  EXPECT_EQ(share(x * 3), 1.0);  // the length does not matter
  EXPECT_GT(share(x + 0.05 * torch::randn_like(x)), 0.7);
  EXPECT_LT(share(torch::randn_like(x)), 0.1);
  EXPECT_EQ(share(-x), 0.0);
}

TEST(LshAttentionTest, BucketsHaveDigits) {
  EXPECT_EQ(hash_digits(1), (std::vector<int64_t>{}));
  EXPECT_EQ(hash_digits(8), (std::vector<int64_t>{8}));
  EXPECT_EQ(hash_digits(512), (std::vector<int64_t>{16, 16, 2}));
  EXPECT_THAT(torch_error_of([] { hash_digits(12); }), HasSubstr("a power of two, got 12"));
}

TEST(LshAttentionTest, CountsItsOperations) {
  const auto q = torch::randn({1, 1, 50, 8}), v = torch::randn({1, 1, 50, 6});
  const LshOptions o{.buckets = 32, .chunk = 4};
  const testing::FlopCounter counter;
  lsh_attention(q, v, lsh_buckets(q, hash_directions(3, 8, 32), 32), o);
  EXPECT_EQ(counter.flops(), lsh_operations(50, 3, 8, 6, o));
}

}  // namespace
}  // namespace zoo
