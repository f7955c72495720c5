// Permuted language modelling: who sees whom, through all layers of a model.
#include "train/objectives/permuted_lm.h"

#include <gmock/gmock.h>

#include "models/bert/bert.h"
#include "train/objectives/token_loss.h"

namespace zoo {
namespace {

constexpr int64_t kMask = 3;

/// Two rows; chosen are 1, 3, 4 of the first (in the order 4, 1, 3) and 2 of the second, which is
/// shorter.
struct Rows {
  MaskedBatch batch;
  torch::Tensor order;
};

Rows rows() {
  auto original = torch::tensor({{5, 6, 7, 8, 9, 10}, {11, 12, 13, 14, 0, 0}});
  const auto chosen =
      torch::tensor({{0, 1, 0, 1, 1, 0}, {0, 0, 1, 0, 0, 0}}).to(torch::kBool);  // [B, T]
  MaskedBatch batch{.tokens = original.masked_fill(chosen, kMask),
                    .original = original,
                    .labels = original.masked_fill(chosen.logical_not(), kIgnored),
                    .segments = torch::zeros_like(original),
                    .lengths = torch::tensor({6, 4}),
                    .pair = {}};
  return {batch, torch::tensor({{0.1, 0.5, 0.2, 0.9, 0.3, 0.4}, {0.9, 0.8, 0.7, 0.6, 0.5, 0.4}})};
}

PermutedInput input_of(const Rows& r) {
  return permuted_input(r.batch, torch::arange(6).unsqueeze(0), r.order);
}

Bert some_bert() {
  torch::manual_seed(1);
  BertOptions options;
  options.vocab_size = 16;
  options.d_model = 12;
  options.heads = 2;
  options.layers = 3;
  options.context = 6;
  options.init_std = 0.3;
  Bert bert(options);
  bert->eval();
  return bert;
}

torch::Tensor hidden(Bert& bert, const PermutedInput& input) {
  const torch::NoGradGuard no_grad;
  return bert->forward(input.tokens, {.segments = input.segments,
                                      .positions = input.positions,
                                      .args = {.may_attend = input.may_attend}});
}

TEST(PermutedLmTest, TheChosenWordsStandBesideTheTextAtTheirPlaces) {
  const auto input = input_of(rows());
  EXPECT_TRUE(torch::equal(input.tokens[0], torch::tensor({5, 3, 7, 3, 3, 10, 6, 8, 9})));
  EXPECT_TRUE(torch::equal(input.positions[0], torch::tensor({0, 1, 2, 3, 4, 5, 1, 3, 4})));
  EXPECT_EQ(input.tokens[1][6].item<int64_t>(), 13);
}

TEST(PermutedLmTest, WhoSeesWhom) {
  const auto sees = input_of(rows()).may_attend.squeeze(1);  // [B, S, S]
  const auto row = [&](int64_t b, int64_t place) {
    std::vector<int64_t> seen;
    for (int64_t s = 0; s < sees.size(2); ++s)
      if (sees[b][place][s].item<bool>()) seen.push_back(s);
    return seen;
  };
  using ::testing::ElementsAre;
  EXPECT_THAT(row(0, 0), ElementsAre(0, 2, 5));        // a context word: the context
  EXPECT_THAT(row(0, 4), ElementsAre(0, 2, 4, 5));     // the first mask: and itself
  EXPECT_THAT(row(0, 1), ElementsAre(0, 1, 2, 5, 8));  // the second one: and the first word
  EXPECT_THAT(row(0, 3), ElementsAre(0, 2, 3, 5, 6, 8));
  EXPECT_THAT(row(0, 8), ElementsAre(0, 2, 5, 8));  // the first word
  EXPECT_THAT(row(0, 7), ElementsAre(0, 2, 5, 6, 7, 8));
  EXPECT_THAT(row(1, 2), ElementsAre(0, 1, 2, 3));  // no padding, no filler
}

// The law of no leak: another word at a chosen place changes the masks that come after it and
// nothing else of the text.
TEST(PermutedLmTest, AWordReachesOnlyTheMasksAfterIt) {
  auto bert = some_bert();
  const Rows before = rows();
  const auto expected = hidden(bert, input_of(before));
  const std::vector<int64_t> in_order{4, 1, 3};
  for (size_t k = 0; k < in_order.size(); ++k) {
    Rows changed = rows();
    changed.batch.original[0][in_order[k]] = 15;
    const auto moved = hidden(bert, input_of(changed)).sub(expected).abs().amax(-1);  // [B, S]
    for (int64_t place = 0; place < 6; ++place) {
      const auto turn = std::ranges::find(in_order, place) - in_order.begin();
      const bool comes_after = turn < 3 && turn > static_cast<std::ptrdiff_t>(k);
      EXPECT_EQ(moved[0][place].item<float>() > 0.0F, comes_after) << "word " << k << ", " << place;
    }
    EXPECT_EQ(moved[1].max().item<float>(), 0.0F);
  }
}

TEST(PermutedLmTest, PaddingAndFillersReachNothing) {
  auto bert = some_bert();
  const auto expected = hidden(bert, input_of(rows()));
  Rows changed = rows();
  changed.batch.tokens[1][4] = changed.batch.original[1][4] = 9;
  changed.batch.original[1][0] = 9;  // may stand in the second row's filled places alone
  const auto moved = hidden(bert, input_of(changed)).sub(expected).abs().amax(-1);
  EXPECT_EQ(moved[1].slice(0, 0, 4).max().item<float>(), 0.0F);
}

TEST(PermutedLmTest, OneWordAloneIsOrdinaryMaskingWithoutTheContextSeeingTheMask) {
  auto bert = some_bert();
  const auto input = input_of(rows());
  const auto h = hidden(bert, input)[1][2];
  const auto tokens = rows().batch.tokens.slice(0, 1, 2).slice(1, 0, 4);  // [1, 4]
  auto may_attend = torch::ones({1, 1, 4, 4}, torch::kBool);
  may_attend.select(3, 2).fill_(false);
  may_attend[0][0][2][2] = true;
  const torch::NoGradGuard no_grad;
  const auto plain = bert->forward(tokens, {.args = {.may_attend = may_attend}})[0][2];
  EXPECT_TRUE(torch::allclose(h, plain, 1e-4, 1e-5));
}

}  // namespace
}  // namespace zoo
