#include "infer/analysis/logit_lens.h"

#include <gtest/gtest.h>

#include "tests/infer/analysis/by_hand.h"
#include "tests/infer/tiny_models.h"

namespace zoo {
namespace {

TEST(LogitLensTest, SaysWhatEachLayerWouldSay) {
  const int64_t P = 4, V = 6;
  auto model = testing::readable_gpt(P, V, /*layers=*/3, /*heads=*/1);
  {
    const torch::NoGradGuard no_grad;  // the second layer makes token 2 of every token
    model->blocks->at<BlockImpl>(1).feed_forward->out_proj->bias[P + 2] = 100;
  }
  const LogitLens lens = logit_lens(*model, {5, 2, 0}, 2);
  EXPECT_EQ(lens.ids.sizes(), (std::vector<int64_t>{4, 3, 2}));
  const auto first = lens.ids.select(2, 0);  // [L + 1, T]
  for (const int64_t stage : {0, 1})
    EXPECT_TRUE(first[stage].equal(torch::tensor({5, 2, 0}, torch::kLong))) << stage;
  for (const int64_t stage : {2, 3}) EXPECT_TRUE(first[stage].eq(2).all().item<bool>()) << stage;
  EXPECT_EQ(lens.rank[3].abs().max().item<int64_t>(), 0);
  EXPECT_GT(lens.rank[1][0].item<int64_t>(), 0);
  EXPECT_EQ(lens.rank[1][1].item<int64_t>(), 0);  // it was token 2 already
  EXPECT_EQ(lens.divergence[3].abs().max().item<double>(), 0);
  EXPECT_GT(lens.divergence[1][0].item<double>(), 0.5);
}

TEST(LogitLensTest, TheLastStageIsTheModelItself) {
  for (auto& [name, options] : testing::every_kind_of_gpt()) {
    auto model = testing::tiny_gpt(options);
    const std::vector<int64_t> tokens = {1, 7, 3, 9};
    const auto wanted = model->forward(torch::tensor(tokens, torch::kLong).unsqueeze(0))[0];
    const auto lens = logit_lens(*model, tokens, 29);
    const auto last = lens.probabilities[options.layers];  // [T, V]
    EXPECT_TRUE(lens.ids[options.layers].select(1, 0).equal(wanted.argmax(-1))) << name;
    EXPECT_TRUE(
        last.allclose(std::get<0>(wanted.to(torch::kDouble).softmax(-1).topk(29, -1)), 1e-5))
        << name;
  }
}

}  // namespace
}  // namespace zoo
