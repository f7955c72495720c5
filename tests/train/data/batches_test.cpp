// From sequences of ids to padded batches: token_sequences, bucketed_batches, the three collations.
#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "train/data/answer_batch.h"
#include "train/data/bucketed_batches.h"
#include "train/data/seq2seq_batch.h"
#include "train/objectives/next_token.h"

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

TEST(BucketedBatchesTest, ARestoredPlaceGoesOnWithTheSameBatches) {
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

TEST(BucketedBatchesTest, RefusesWhatIsNoPlace) {
  BucketedBatches batches(random_lengths(10, 5), {.tokens = 1000});
  for (const char* bad : {"", "1", "1 ", " 1", "a b", "0 1x", "-1 0", "0 -1", "1 2 3"}) {
    EXPECT_THAT([&] { batches.restore(bad); },
                ThrowsMessage<std::runtime_error>(HasSubstr("no place in the data")))
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

TEST(BucketedBatchesTest, ForMeasuringTheOrderIsThatOfTheLengths) {
  const auto batches = sorted_batches({{9, 9}, {1, 1}, {5, 5}}, {.tokens = 20});
  EXPECT_THAT(batches, ElementsAre(Indices{1, 2}, Indices{0}));
}

TEST(PairCollationTest, ShiftsTargetsAndPads) {
  const SequencePairs pairs{sequences({{11, 12, 13, 2}, {14, 2}}), sequences({{21}, {22, 23}})};
  const auto batch = collate_pairs(pairs, Indices{1, 0}, {.start = 1, .eos = 2, .pad = 3});
  EXPECT_TRUE(batch.source.equal(torch::tensor({{14L, 2L, 3L, 3L}, {11L, 12L, 13L, 2L}})));
  EXPECT_TRUE(batch.source_lengths.equal(torch::tensor({2L, 4L})));
  EXPECT_TRUE(batch.target_in.equal(torch::tensor({{1L, 22L, 23L}, {1L, 21L, 3L}})));
  EXPECT_TRUE(batch.target_out.equal(torch::tensor({{22L, 23L, 2L}, {21L, 2L, kIgnored}})));
  EXPECT_TRUE(batch.target_lengths.equal(torch::tensor({3L, 2L})));
  EXPECT_EQ(batch.rows(), 2);
}

TEST(PairCollationTest, AnEmptyPairIsItsSpecialTokens) {
  const SequencePairs pairs{sequences({{2}}), sequences({{}})};
  const auto batch = collate_pairs(pairs, Indices{0}, {.start = 1, .eos = 2, .pad = 3});
  EXPECT_TRUE(batch.source.equal(torch::tensor({{2L}})));
  EXPECT_TRUE(batch.target_in.equal(torch::tensor({{1L}})));
  EXPECT_TRUE(batch.target_out.equal(torch::tensor({{2L}})));
}

TEST(SequenceCollationTest, PadsToTheLongestOfTheBatch) {
  const auto all = sequences({{1, 2, 3, 4, 5, 6}, {7}, {8, 9}, {}});
  const auto batch = collate_sequences(all, Indices{2, 1, 3}, 0);
  EXPECT_TRUE(batch.tokens.equal(torch::tensor({{8L, 9L}, {7L, 0L}, {0L, 0L}})));
  EXPECT_TRUE(batch.lengths.equal(torch::tensor({2L, 1L, 0L})));
}

TEST(CollateAnswersTest, AsksForTheAnswerAndItsEndAlone) {
  const SequencePairs pairs{.sources = sequences({{1, 2}, {3}, {4}}),
                            .targets = sequences({{5}, {6, 7, 8}, {}})};
  const auto batch = collate_answers(pairs, Indices{1, 0, 2}, /*eos=*/9, /*pad=*/0);
  const int64_t x = kIgnored;
  EXPECT_TRUE(torch::equal(batch.tokens,
                           torch::tensor({{3L, 6L, 7L, 8L}, {1L, 2L, 5L, 0L}, {4L, 0L, 0L, 0L}})));
  EXPECT_TRUE(torch::equal(batch.targets,
                           torch::tensor({{6L, 7L, 8L, 9L}, {x, 5L, 9L, x}, {9L, x, x, x}})));
}

}  // namespace
}  // namespace zoo
