#include "infer/decode/constraints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace zoo {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Of each row the tokens that are forbidden; the others must be as they were.
std::vector<std::vector<int64_t>> forbidden(const torch::Tensor& before,
                                            const torch::Tensor& after) {
  std::vector<std::vector<int64_t>> ids(static_cast<size_t>(before.size(0)));
  for (int64_t b = 0; b < before.size(0); ++b) {
    for (int64_t id = 0; id < before.size(1); ++id) {
      if (std::isinf(after[b][id].item<float>())) {
        ids[static_cast<size_t>(b)].push_back(id);
      } else {
        EXPECT_EQ(after[b][id].item<float>(), before[b][id].item<float>());
      }
    }
  }
  return ids;
}

const auto kLogits = torch::arange(12).to(torch::kFloat).view({2, 6});  // [B, V]
const std::vector<RowTokens> kRows = {{.all = {1, 2, 3, 1, 2}, .prompt_length = 2},
                                      {.all = {4}, .prompt_length = 1}};

TEST(ConstraintsTest, ForbidsTokensInEveryRowOrInTheirOwn) {
  EXPECT_THAT(forbidden(kLogits, forbid_tokens(kLogits, std::vector<int64_t>{0, 5})),
              ElementsAre(ElementsAre(0, 5), ElementsAre(0, 5)));
  EXPECT_THAT(forbidden(kLogits, forbid_tokens_of_rows(kLogits, {{1, 1}, {0, 2}})),
              ElementsAre(ElementsAre(1), ElementsAre(0, 2)));
  EXPECT_THAT(forbidden(kLogits, forbid_tokens_of_rows(kLogits, {{}, {}})),
              ElementsAre(IsEmpty(), IsEmpty()));
}

TEST(ConstraintsTest, ForbidsWhatWouldRepeatAnNGram) {
  const auto with = [&](int64_t n) {
    return forbidden(kLogits, forbid_repeated_ngrams(kLogits, kRows, n));
  };
  EXPECT_THAT(with(1), ElementsAre(ElementsAre(1, 2, 3), ElementsAre(4)));
  EXPECT_THAT(with(2), ElementsAre(ElementsAre(3), IsEmpty()));  // 2 3 was there
  EXPECT_THAT(with(3), ElementsAre(ElementsAre(3), IsEmpty()));  // 1 2 3 was there
  EXPECT_THAT(with(4), ElementsAre(IsEmpty(), IsEmpty()));
  EXPECT_THAT(with(100), ElementsAre(IsEmpty(), IsEmpty()));
}

TEST(ConstraintsTest, ForbidsTheLastTokenOfABadWordBehindTheOthers) {
  const std::vector<std::vector<int64_t>> words = {{0}, {1, 2, 5}, {4, 1}, {3, 2, 4}};
  EXPECT_THAT(forbidden(kLogits, forbid_words(kLogits, kRows, words)),
              ElementsAre(ElementsAre(0, 5), ElementsAre(0, 1)));
}

TEST(ConstraintsTest, AForcedTokenStaysAlone) {
  const auto forced = force_tokens(kLogits, {{3}, {}});
  EXPECT_EQ(forced[0].softmax(-1)[3].item<float>(), 1.0F);
  EXPECT_EQ(forced[0][3].item<float>(), 0.0F);
  EXPECT_TRUE(forced[1].equal(kLogits[1]));
  EXPECT_TRUE(kLogits[0].equal(torch::arange(6).to(torch::kFloat)));  // what came is untouched
}

}  // namespace
}  // namespace zoo
