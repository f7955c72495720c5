// From sequences of ids to padded batches: padding, token_sequences, bucketed_batches.
#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "models/batching/bucketed_batches.h"
#include "models/batching/padding.h"
#include "models/batching/token_sequences.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using Indices = std::vector<int64_t>;

TokenSequences sequences(const std::vector<std::vector<int32_t>>& texts) {
  TokenSequences all;
  for (const auto& text : texts) all.append(text);
  return all;
}

std::vector<ExampleLengths> random_lengths(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<ExampleLengths> lengths;
  for (size_t i = 0; i < count; ++i) {
    const auto source = static_cast<int64_t>(1 + random() % 30);
    lengths.push_back({source, source + static_cast<int64_t>(random() % 5)});
  }
  return lengths;
}

Indices sorted_epoch(BucketedBatches& batches) {
  Indices all;
  for (int64_t n = batches.batches_per_epoch(); n > 0; --n) {
    for (const int64_t i : batches.next()) all.push_back(i);
  }
  std::ranges::sort(all);
  return all;
}

int64_t padded_tokens(const Indices& batch, const std::vector<ExampleLengths>& lengths) {
  ExampleLengths most;
  for (const int64_t i : batch) {
    most.source = std::max(most.source, lengths[static_cast<size_t>(i)].source);
    most.target = std::max(most.target, lengths[static_cast<size_t>(i)].target);
  }
  return std::ssize(batch) * (most.source + most.target);
}

TEST(TokenSequencesTest, GiveBackWhatWasAppended) {
  const auto all = sequences({{1, 2}, {}, {3}});
  EXPECT_EQ(all.size(), 3);
  EXPECT_EQ(all.tokens(), 3);
  EXPECT_THAT(all.at(0), ElementsAre(1, 2));
  EXPECT_TRUE(all.at(1).empty());
  EXPECT_THAT(all.at(2), ElementsAre(3));
}

TEST(BucketedBatchesTest, EveryExampleComesOnceAnEpoch) {
  for (const size_t count : {1, 2, 17, 500}) {
    BucketedBatches batches(random_lengths(count, 1), {.tokens = 200, .seed = 3});
    for (int epoch = 0; epoch < 3; ++epoch) {
      const Indices all = sorted_epoch(batches);
      ASSERT_EQ(all.size(), count);
      for (size_t i = 0; i < count; ++i) EXPECT_EQ(all[i], static_cast<int64_t>(i));
    }
  }
}

TEST(BucketedBatchesTest, NoBatchExceedsItsBudget) {
  const auto lengths = random_lengths(300, 2);
  BucketedBatches batches(lengths, {.tokens = 150, .rows = 7});
  for (int64_t n = batches.batches_per_epoch(); n > 0; --n) {
    const Indices batch = batches.next();
    EXPECT_LE(batch.size(), 7U);
    EXPECT_LE(padded_tokens(batch, lengths), 150);
  }
}

TEST(BucketedBatchesTest, AnExampleLargerThanTheBudgetIsABatchOfItsOwn) {
  BucketedBatches batches({{5, 5}, {900, 900}, {5, 5}}, {.tokens = 20});
  EXPECT_EQ(batches.batches_per_epoch(), 2);
  EXPECT_EQ(sorted_epoch(batches), (Indices{0, 1, 2}));
}

TEST(BucketedBatchesTest, SeedAndEpochDecideTheOrder) {
  const auto lengths = random_lengths(200, 3);
  const auto epoch = [](BucketedBatches& batches) {
    std::vector<Indices> list;
    for (int64_t n = batches.batches_per_epoch(); n > 0; --n) list.push_back(batches.next());
    return list;
  };
  BucketedBatches a(lengths, {.tokens = 100, .seed = 5}), b(lengths, {.tokens = 100, .seed = 5}),
      other(lengths, {.tokens = 100, .seed = 6});
  const auto first = epoch(a), second = epoch(a);
  EXPECT_EQ(first, epoch(b));
  EXPECT_EQ(second, epoch(b));
  EXPECT_NE(first, second);
  EXPECT_NE(first, epoch(other));
}

TEST(BucketedBatchesTest, ARestoredPositionGoesOnWithTheSameBatches) {
  const auto lengths = random_lengths(100, 4);
  BucketedBatches run(lengths, {.tokens = 100});
  for (int n = 0; n < 40; ++n) {  // beyond an epoch, and at the very end of one
    BucketedBatches resumed(lengths, {.tokens = 100});
    resumed.restore(run.state());
    EXPECT_EQ(resumed.state(), run.state());
    for (int ahead = 0; ahead < 3; ++ahead) {
      BucketedBatches copy = run;
      for (int skip = 0; skip < ahead; ++skip) copy.next();
      EXPECT_EQ(resumed.next(), copy.next()) << n;
    }
    run.next();
  }
}

TEST(BucketedBatchesTest, RefusesWhatIsNoPosition) {
  BucketedBatches batches(random_lengths(10, 5), {.tokens = 1000});
  for (const char* bad : {"", "1", "1 ", " 1", "a b", "0 1x", "-1 0", "0 -1", "1 2 3"}) {
    EXPECT_THAT([&] { batches.restore(bad); },
                ThrowsMessage<std::runtime_error>(HasSubstr("no position in the data")))
        << "'" << bad << "'";
  }
  EXPECT_THAT([&] { batches.restore("0 1000"); },
              ThrowsMessage<std::runtime_error>(HasSubstr("has changed")));
  EXPECT_THROW(BucketedBatches({}, {}), std::invalid_argument);
  EXPECT_THROW(BucketedBatches({{1, 1}}, {.tokens = 0}), std::invalid_argument);
}

TEST(BucketedBatchesTest, PaddingIsCountedByHand) {
  // Two batches of 2 rows: (1, 1) and (2, 3) are padded to 2 * 5; (4, 4) twice has none.
  const BucketedBatches batches({{4, 4}, {1, 1}, {4, 4}, {2, 3}}, {.tokens = 100, .rows = 2});
  EXPECT_DOUBLE_EQ(batches.padding_share(), 3.0 / 26.0);
}

TEST(BucketedBatchesTest, BucketsHaveLittlePadding) {
  const BucketedBatches batches(random_lengths(5000, 6), {.tokens = 500});
  EXPECT_LT(batches.padding_share(), 0.1);  // without buckets about 0.45
}

TEST(BucketedBatchesTest, ForEvaluationTheOrderIsThatOfTheLengths) {
  const auto batches = sorted_batches({{9, 9}, {1, 1}, {5, 5}}, {.tokens = 20});
  EXPECT_THAT(batches, ElementsAre(Indices{1, 2}, Indices{0}));
}

TEST(BucketedBatchesTest, OfRowsHoldNoMoreThanSoManyOfTheLongest) {
  const auto lengths = lengths_of(sequences({{1}, {1, 2, 3, 4}, {1, 2}, {1, 2, 3}}));
  for (const auto& batch : sorted_batches(lengths, buckets_of_rows(lengths, 2, 0)))
    EXPECT_EQ(batch.size(), 2U);
  EXPECT_EQ(buckets_of_rows(lengths, 2, 0).tokens, 8);
}

TEST(PaddingTest, FillsEveryRowToTheLongest) {
  const auto all = sequences({{1, 2, 3, 4, 5, 6}, {7}, {8, 9}, {}});
  const auto rows = all.at(Indices{2, 1, 3});
  EXPECT_TRUE(pad_rows(rows, {.filler = 5}).equal(torch::tensor({{8L, 9L}, {7L, 5L}, {5L, 5L}})));
  EXPECT_TRUE(row_lengths(rows).equal(torch::tensor({2L, 1L, 0L})));
}

TEST(PaddingTest, RowsBeginAtTheirColumnAndTakeTheWidth) {
  const std::vector<std::vector<int64_t>> rows{{1, 2}, {3}};
  EXPECT_TRUE(pad_rows(rows, {.column = 1}).equal(torch::tensor({{0L, 1L, 2L}, {0L, 3L, 0L}})));
  EXPECT_TRUE(
      pad_rows(rows, {.filler = 9, .width = 3}).equal(torch::tensor({{1L, 2L, 9L}, {3L, 9L, 9L}})));
  EXPECT_EQ(pad_rows(std::vector<std::vector<int64_t>>{{}}, {}).sizes(),
            (std::vector<int64_t>{1, 0}));
}

TEST(PaddingTest, TheMaskIsTrueAtTokens) {
  const auto mask = token_mask(torch::tensor({2L, 0L, 3L}), 3);
  EXPECT_TRUE(mask.equal(torch::tensor({{1, 1, 0}, {0, 0, 0}, {1, 1, 1}}).to(torch::kBool)));
}

}  // namespace
}  // namespace zoo
