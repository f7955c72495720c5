// A cache saves work and changes nothing: the same logits whole, in pieces and in ragged batches.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "models/gpt/gpt.h"
#include "tests/models/gpt/tiny_gpts.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

class GptCacheTest : public testing::EveryGptTest {
 protected:
  torch::NoGradGuard no_grad;
};

TEST_P(GptCacheTest, PiecesOfAnySizeGiveTheLogitsOfTheWhole) {
  const auto batch = tokens(3, 12);
  const auto wanted = gpt(batch);
  const std::vector<std::vector<int64_t>> cuts{
      {12}, {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, {5, 1, 1, 5}, {1, 11}, {4, 4, 4}};
  for (const auto& cut : cuts) {
    auto cache = gpt->make_cache(3, 12);
    std::vector<torch::Tensor> parts;
    int64_t start = 0;
    for (const int64_t n : cut) {
      parts.push_back(gpt->forward(batch.narrow(1, start, n), {.cache = &cache}));
      start += n;
    }
    EXPECT_TRUE(close(torch::cat(parts, 1), wanted)) << ::testing::PrintToString(cut);
    EXPECT_EQ(cache.longest(), 12);
  }
}

TEST_P(GptCacheTest, APrefixThatComesInOnePassGivesTheLogitsOfTheWhole) {
  if (has_mixers(GetParam().options)) GTEST_SKIP() << "a mixer looks back only";
  const auto batch = tokens(3, 12);
  const AttendArgs args{.prefix_lengths = torch::tensor({5, 2, 0}, torch::kLong)};
  if (gpt->options.sinks > 0 || gpt->options.self_extend > 1) {
    EXPECT_THAT(testing::torch_error_of([&] { gpt->forward(batch, {.args = args}); }),
                ::testing::HasSubstr("do not go with sinks or SelfExtend"));
    return;
  }
  const auto wanted = gpt->forward(batch, {.args = args});
  EXPECT_TRUE(close(wanted[2], gpt(batch)[2]));
  EXPECT_FALSE(close(wanted[0], gpt(batch)[0]));
  auto cache = gpt->make_cache(3, 12);
  std::vector<torch::Tensor> parts;
  int64_t start = 0;
  for (const int64_t n : {5, 1, 2, 4}) {
    parts.push_back(gpt->forward(batch.narrow(1, start, n), {.args = args, .cache = &cache}));
    start += n;
  }
  EXPECT_TRUE(close(torch::cat(parts, 1), wanted));
}

/// Rows that grow by different amounts, beside the same rows on their own without a cache.
struct Ragged {
  explicit Ragged(Gpt& model, int64_t capacity)
      : gpt(model), cache(model->make_cache(3, capacity)), rows(3) {}

  /// Adds counts[b] tokens to row b; the batch is padded with token 0. With `plain`, all bring T.
  void feed(const std::vector<int64_t>& counts, bool plain = false) {
    const int64_t T = *std::max_element(counts.begin(), counts.end());
    auto padded = torch::zeros({3, T}, torch::kLong);
    for (size_t b = 0; b < 3; ++b) {
      const auto fresh = torch::randint(17, {counts[b]}, torch::kLong);
      padded[static_cast<int64_t>(b)].narrow(0, 0, counts[b]).copy_(fresh);
      rows[b] = rows[b].defined() ? torch::cat({rows[b], fresh}) : fresh;
    }
    GptContext context{.cache = &cache};
    if (!plain) context.counts = torch::tensor(counts, torch::kLong);
    const auto logits = gpt->forward(padded, context);
    for (size_t b = 0; b < 3; ++b) {
      if (counts[b] == 0) continue;
      const auto alone = gpt(rows[b].unsqueeze(0))[0];
      const auto wanted = alone.narrow(0, alone.size(0) - counts[b], counts[b]);
      const auto got = logits[static_cast<int64_t>(b)].narrow(0, 0, counts[b]);
      EXPECT_TRUE(torch::allclose(got, wanted, 1e-4, 1e-5)) << "row " << b;
    }
  }
  Gpt& gpt;
  KvCache cache;
  std::vector<torch::Tensor> rows;
};

TEST_P(GptCacheTest, RaggedPromptsGiveTheLogitsOfEachAlone) {
  Ragged ragged(gpt, 12);
  ragged.feed({5, 1, 7});
  ragged.feed({1, 1, 1}, /*plain=*/true);
  ragged.feed({2, 2, 2}, /*plain=*/true);
  ragged.feed({2, 1, 2});
  ragged.feed({1, 4, 0});
  EXPECT_TRUE(torch::equal(ragged.cache.lengths(), torch::tensor({11, 9, 12}, torch::kLong)));
}

TEST_P(GptCacheTest, RejectedTokensAreDropped) {
  const auto batch = tokens(2, 9);
  auto cache = gpt->make_cache(2, 12);
  gpt->forward(batch, {.cache = &cache});
  const auto kept = torch::tensor({4, 7}, torch::kLong);
  if (!cache.can_truncate()) {
    EXPECT_THAT(testing::torch_error_of([&] { cache.truncate(kept); }),
                ::testing::HasSubstr("a mixer's state cannot drop single tokens"));
    EXPECT_EQ(cache.longest(), 9);
    return;
  }
  cache.truncate(kept);
  const auto next = tokens(2, 2);
  const auto logits = gpt->forward(next, {.cache = &cache});
  for (int64_t b = 0; b < 2; ++b) {
    const int64_t n = kept[b].item<int64_t>();
    const auto alone = torch::cat({batch[b].narrow(0, 0, n), next[b]}).unsqueeze(0);
    EXPECT_TRUE(close(logits[b], gpt(alone)[0].narrow(0, n, 2)));
  }
}

TEST_P(GptCacheTest, ARowGoesBackByAPassOrToTheStart) {
  const auto batch = tokens(3, 9), next = tokens(3, 2);
  auto cache = gpt->make_cache(3, 12);
  gpt->forward(batch.narrow(1, 0, 5), {.cache = &cache});
  gpt->forward(batch.narrow(1, 5, 4), {.cache = &cache});
  const auto kept = torch::tensor({5, 0, 9}, torch::kLong);
  cache.truncate(kept);
  EXPECT_TRUE(torch::equal(cache.lengths(), kept));
  const auto logits = gpt->forward(next, {.cache = &cache});
  for (int64_t b = 0; b < 3; ++b) {
    const int64_t n = kept[b].item<int64_t>();
    const auto alone = torch::cat({batch[b].narrow(0, 0, n), next[b]}).unsqueeze(0);
    EXPECT_TRUE(close(logits[b], gpt(alone)[0].narrow(0, n, 2))) << b;
  }
}

TEST_P(GptCacheTest, ReorderedRowsContinueWhereTheirOriginalsStood) {
  const auto batch = tokens(2, 5), next = tokens(3, 1);
  auto cache = gpt->make_cache(2, 12);
  gpt->forward(batch, {.cache = &cache});
  const auto parents = torch::tensor({1, 1, 0}, torch::kLong);
  cache.reorder(parents);
  const auto logits = gpt->forward(next, {.cache = &cache});
  const auto whole = torch::cat({batch.index_select(0, parents), next}, 1);
  EXPECT_TRUE(close(logits, gpt(whole).narrow(1, 5, 1)));
}

TEST_P(GptCacheTest, RowsThatJoinGoOnAsTheyWouldAlone) {
  const auto batch = tokens(2, 5), late = tokens(3, 3), next = tokens(5, 1);
  auto cache = gpt->make_cache(2, 8);
  gpt->forward(batch, {.cache = &cache});
  auto joining = gpt->make_cache(3, 12);
  gpt->forward(late, {.cache = &joining, .counts = torch::tensor({3, 1, 2}, torch::kLong)});
  cache.append_rows(joining);
  EXPECT_TRUE(torch::equal(cache.lengths(), torch::tensor({5, 5, 3, 1, 2}, torch::kLong)));
  const auto logits = gpt->forward(next, {.cache = &cache});  // [5, 1, V]
  for (int64_t b = 0; b < 5; ++b) {
    const int64_t n = cache.lengths()[b].item<int64_t>() - 1;
    const auto before = (b < 2 ? batch[b] : late[b - 2]).narrow(0, 0, n);
    const auto alone = gpt(torch::cat({before, next[b]}).unsqueeze(0))[0];
    EXPECT_TRUE(close(logits[b][0], alone[n])) << b;
  }
}

TEST_P(GptCacheTest, APassThatThrowsLeavesTheCacheAsItWas) {
  const auto batch = tokens(2, 6);
  auto cache = gpt->make_cache(2, 12);
  gpt->forward(batch.narrow(1, 0, 5), {.cache = &cache});
  const auto wrong = torch::full({2, 1}, 99, torch::kLong);  // no such token
  EXPECT_ANY_THROW(gpt->forward(wrong, {.cache = &cache}));
  EXPECT_EQ(cache.longest(), 5);
  const auto logits = gpt->forward(batch.narrow(1, 5, 1), {.cache = &cache});
  EXPECT_TRUE(close(logits, gpt(batch).narrow(1, 5, 1)));
}

TEST_P(GptCacheTest, AFullCacheSaysSo) {
  auto cache = gpt->make_cache(2, 4);
  EXPECT_THAT(testing::torch_error_of([&] { gpt->forward(tokens(2, 5), {.cache = &cache}); }),
              ::testing::HasSubstr("KvCache: 5 tokens do not fit its capacity of 4"));
}

INSTANTIATE_TEST_SUITE_P(Models, GptCacheTest, ::testing::ValuesIn(testing::tiny_gpts()),
                         testing::gpt_name);

/// Schemes that have no table which could end: rows of different lengths, past the context.
void expect_ragged_rows_as_alone(GptOptions options) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(8);
  Gpt gpt(options);
  gpt->eval();
  Ragged ragged(gpt, 30);
  ragged.feed({14, 3, 9});
  ragged.feed({5, 6, 2});
  ragged.feed({1, 1, 1}, /*plain=*/true);
}

TEST(GptRaggedCacheTest, RotaryRowsGoOnPastTheContext) {
  auto options = testing::tiny_gpt();
  options.position = PositionKind::kRotary;
  expect_ragged_rows_as_alone(options);
}

TEST(GptRaggedCacheTest, EachRowSeesItsOwnDistances) {
  auto options = testing::tiny_gpt();
  options.relative = {.buckets = 6, .max_distance = 9};
  for (const auto kind :
       {PositionKind::kAlibi, PositionKind::kBucketed, PositionKind::kTransformerXl}) {
    options.position = kind;
    expect_ragged_rows_as_alone(options);
  }
}

TEST(GptRaggedCacheTest, DynamicRotationsFollowEachRow) {
  auto options = testing::tiny_gpt();
  options.position = PositionKind::kRotary;
  options.layers = 1;  // a second would see what the first made of a shorter text
  options.rotary = {.scaling = RotaryScaling::kDynamic, .factor = 3.0, .original_context = 6};
  expect_ragged_rows_as_alone(options);
}

}  // namespace
}  // namespace zoo
