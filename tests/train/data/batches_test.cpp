// Pairs of sequences as padded batches: for an encoder-decoder, and for a decoder alone.
#include <gtest/gtest.h>

#include "train/data/answer_batch.h"
#include "train/data/pair_batch.h"
#include "train/objectives/token_loss.h"

namespace zoo {
namespace {

using Indices = std::vector<int64_t>;

TokenSequences sequences(const std::vector<std::vector<int32_t>>& texts) {
  TokenSequences all;
  for (const auto& text : texts) all.append(text);
  return all;
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

TEST(CollateAnswersTest, AsksForTheAnswerAndItsEndAlone) {
  const SequencePairs pairs{.sources = sequences({{1, 2}, {3}, {4}}),
                            .targets = sequences({{5}, {6, 7, 8}, {}})};
  const auto batch = collate_answers(pairs, Indices{1, 0, 2}, {.eos = 9});
  const int64_t x = kIgnored;
  EXPECT_TRUE(torch::equal(batch.tokens,
                           torch::tensor({{3L, 6L, 7L, 8L}, {1L, 2L, 5L, 0L}, {4L, 0L, 0L, 0L}})));
  EXPECT_TRUE(torch::equal(batch.targets,
                           torch::tensor({{6L, 7L, 8L, 9L}, {x, 5L, 9L, x}, {9L, x, x, x}})));
}

TEST(CollateAnswersTest, ASymbolAskedForWithinAQuestionIsAnsweredToo) {
  const SequencePairs pairs{.sources = sequences({{1, 8, 2, 3, 8, 7}, {4, 8}}),
                            .targets = sequences({{5}, {6}})};
  const auto batch = collate_answers(pairs, Indices{0, 1}, {.eos = 9, .asks = 8});
  const int64_t x = kIgnored;
  EXPECT_TRUE(torch::equal(batch.targets,
                           torch::tensor({{x, x, 3L, x, x, 5L, 9L}, {x, 6L, 9L, x, x, x, x}})));
}

}  // namespace
}  // namespace zoo
