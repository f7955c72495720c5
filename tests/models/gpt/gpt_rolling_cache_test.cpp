// Layers with a window keep few tokens: the same logits as the whole text gives, in bounded memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "models/gpt/gpt.h"
#include "tests/models/gpt/tiny_gpts.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using testing::NamedGpt;

/// Windows of 5: such layers have room for 42 tokens, and for the sinks.
std::vector<NamedGpt> local_gpts() {
  const auto gpt_name_of = [](std::string_view name) {
    std::string plain(name);
    std::ranges::replace(plain, '-', '_');
    return plain;
  };
  GptOptions rotary = testing::tiny_gpt();
  rotary.position = PositionKind::kRotary;
  rotary.window = 5;
  GptOptions grouped = rotary;
  grouped.kv_heads = 2;
  grouped.qk_norm = true;
  grouped.window_pattern = "LG";
  GptOptions dynamic = rotary;
  dynamic.layers = 1;  // a second would see what the first made of a shorter text
  dynamic.rotary = {.scaling = RotaryScaling::kDynamic, .factor = 3.0, .original_context = 6};
  GptOptions none = rotary;
  none.position = PositionKind::kNone;
  GptOptions alibi = rotary;
  alibi.position = PositionKind::kAlibi;
  alibi.pruned_heads = "0:1,3";
  GptOptions t5 = rotary;
  t5.position = PositionKind::kBucketed;
  t5.relative = {.buckets = 6, .max_distance = 7};
  std::vector<NamedGpt> all{{"rotary", rotary},   {"grouped_every_other", grouped},
                            {"dynamic", dynamic}, {"none", none},
                            {"alibi", alibi},     {"t5", t5}};
  GptOptions xl = grouped;
  xl.position = PositionKind::kTransformerXl;
  all.push_back({"transformer_xl", xl});
  GptOptions segments = testing::tiny_gpt();  // of 2 tokens, which see 3 of those before
  segments.context = 2;
  segments.memory = 3;
  for (const auto& [kind, name] : EnumNames<PositionKind>::values) {
    segments.position = kind;
    if (is_relative(kind)) all.push_back({"memory_" + gpt_name_of(name), segments});
  }
  segments.window = 4;
  segments.window_pattern = "LG";
  all.push_back({"memory_and_window", segments});
  for (const size_t n : {0, 1, 3, 4, 5}) {
    NamedGpt with_sinks = all[n];
    with_sinks.name += "_sinks";
    with_sinks.options.sinks = 3;
    all.push_back(with_sinks);
  }
  return all;
}

class GptRollingCacheTest : public testing::EveryGptTest {
 protected:
  GptRollingCacheTest() : rows(3) {}

  /// Adds counts[b] tokens to row b, and compares with each row read alone, without a cache.
  void feed(KvCache& cache, const std::vector<int64_t>& counts, bool compare = true) {
    const auto B = std::ssize(counts);
    const int64_t T = *std::ranges::max_element(counts);
    auto padded = torch::zeros({B, T}, torch::kLong);
    for (int64_t b = 0; b < B; ++b) {
      auto& row = rows[static_cast<size_t>(b)];
      const int64_t count = counts[static_cast<size_t>(b)];
      const auto fresh = torch::randint(17, {count}, torch::kLong);
      padded[b].narrow(0, 0, count).copy_(fresh);
      row = row.defined() ? torch::cat({row, fresh}) : fresh;
    }
    const bool even = std::ranges::all_of(counts, [&](int64_t n) { return n == T; });
    const auto logits = gpt->forward(
        padded,
        {.cache = &cache, .counts = even ? torch::Tensor() : torch::tensor(counts, torch::kLong)});
    for (int64_t b = 0; b < B; ++b) {
      const int64_t count = counts[static_cast<size_t>(b)];
      if (count == 0 || !compare) continue;
      const auto alone = gpt(rows[static_cast<size_t>(b)].unsqueeze(0))[0];
      const auto wanted = alone.narrow(0, alone.size(0) - count, count);
      EXPECT_TRUE(torch::allclose(logits[b].narrow(0, 0, count), wanted, 1e-4, 1e-4))
          << "row " << b << " of " << alone.size(0) << " tokens";
    }
  }
  /// Many small steps, past the room of a rolling layer.
  void walk(KvCache& cache, int64_t steps) {
    const auto B = static_cast<size_t>(cache.batch());
    for (int64_t n = 0; n < steps; ++n)
      feed(cache, std::vector<int64_t>(B, n % 7 == 3 ? 4 : 1), n % 4 == 0 || n + 1 == steps);
  }

  torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> rows;
};

TEST_P(GptRollingCacheTest, TokenByTokenGivesTheLogitsOfTheWhole) {
  auto cache = gpt->make_cache(3, 1000);
  walk(cache, 60);
  EXPECT_GT(cache.longest(), 80);
}

TEST_P(GptRollingCacheTest, LongPiecesDoToo) {
  auto cache = gpt->make_cache(3, 1000);
  for (const int64_t count : {50, 1, 3, 47, 1, 12}) feed(cache, {count, count, count});
}

TEST_P(GptRollingCacheTest, RaggedRowsGoOnAsTheyWouldAlone) {
  auto cache = gpt->make_cache(3, 1000);
  feed(cache, {60, 2, 9});
  walk(cache, 12);
  feed(cache, {1, 50, 0});
  feed(cache, {0, 3, 47});
  walk(cache, 30);
}

TEST_P(GptRollingCacheTest, RowsAreReorderedJoinAndGoBack) {
  auto cache = gpt->make_cache(3, 1000);
  feed(cache, {60, 5, 48});
  cache.reorder(torch::tensor({2, 0, 0}, torch::kLong));
  rows = {rows[2], rows[0], rows[0]};
  walk(cache, 3);

  auto joining = gpt->make_cache(1, 70);
  const auto late = tokens(1, 55);
  gpt->forward(late, {.cache = &joining});
  cache.append_rows(joining);
  rows.push_back(late[0]);
  feed(cache, {1, 1, 1, 1});

  const auto kept = cache.lengths() - torch::tensor({3, 0, 9, 1}, torch::kLong);
  cache.truncate(kept);
  for (int64_t b = 0; b < 4; ++b) {
    auto& row = rows[static_cast<size_t>(b)];
    row = row.narrow(0, 0, kept[b].item<int64_t>());
  }
  walk(cache, 50);
  cache.truncate(torch::tensor({0, 0, 0, 0}, torch::kLong));  // an end is always a beginning
  rows = std::vector<torch::Tensor>(4);
  walk(cache, 3);
}

TEST_P(GptRollingCacheTest, APassThatThrowsLeavesTheCacheAsItWas) {
  auto cache = gpt->make_cache(3, 1000);
  feed(cache, {41, 41, 41});
  const auto wrong = torch::full({3, 60}, 99, torch::kLong);  // no such token
  EXPECT_ANY_THROW(gpt->forward(wrong, {.cache = &cache}));
  cache.begin(60);  // a pass that nobody ends
  walk(cache, 4);
}

INSTANTIATE_TEST_SUITE_P(Local, GptRollingCacheTest, ::testing::ValuesIn(local_gpts()),
                         testing::gpt_name);

TEST(RollingCacheTest, MemoryDoesNotGrowWithTheText) {
  const torch::NoGradGuard no_grad;
  GptOptions options = local_gpts().front().options;
  options.window = 20;
  options.sinks = 4;
  Gpt gpt(options);
  gpt->eval();
  auto cache = gpt->make_cache(1, 1'000'000);
  gpt->forward(torch::zeros({1, 130}, torch::kLong), {.cache = &cache});
  const size_t bytes = cache.bytes();
  EXPECT_EQ(bytes, 2 * 2 * sizeof(float) * 16 * rolling_room(20, 4));  // keys and values, 2 layers
  for (int64_t n = 0; n < 200; ++n) {
    gpt->forward(torch::ones({1, 1}, torch::kLong), {.cache = &cache});
    ASSERT_EQ(cache.bytes(), bytes);
  }
  EXPECT_EQ(cache.longest(), 330);
}

TEST(RollingCacheTest, SaysHowFarBackItCanGo) {
  KvCache cache(1, 1000, {{.kv_heads = 1, .head_width = 2, .window = 4}}, torch::kFloat);
  const auto grow = [&](int64_t T) {
    const KvPass pass = cache.begin(T);
    KvLayer(cache, pass, 0).append(torch::ones({1, 1, T, 2}), torch::ones({1, 1, T, 2}));
    cache.commit(pass);
  };
  const auto to = [](int64_t length) { return torch::tensor({length}, torch::kLong); };
  grow(30);
  EXPECT_EQ(cache.shortest()[0].item<int64_t>(), 0);
  grow(70);
  EXPECT_EQ(cache.shortest()[0].item<int64_t>(), 100 - 32);
  EXPECT_THAT(testing::torch_error_of([&] { cache.truncate(to(67)); }),
              HasSubstr("KvCache: a row cannot go back to 67 tokens: its rolling layers have "
                        "dropped some of those"));
  EXPECT_EQ(cache.longest(), 100);
  cache.truncate(to(68));
  EXPECT_EQ(cache.longest(), 68);
}

}  // namespace
}  // namespace zoo
