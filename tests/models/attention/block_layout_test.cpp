// Layouts against the papers' sentences, and laws that hold for all of them.
#include "models/attention/block_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/attention/multi_head_attention.h"
#include "tests/support/gradient_check.h"

namespace zoo {
namespace {

/// "1.1 ..." by row.
std::vector<std::string> drawn(const BlockLayoutOptions& options, int64_t length) {
  const auto layout = block_layout(options, length);
  std::vector<std::string> rows;
  for (int64_t r = 0; r < layout.size(0); ++r) {
    rows.emplace_back();
    for (int64_t c = 0; c < layout.size(1); ++c)
      rows.back() += layout[r][c].item<bool>() ? '1' : '.';
  }
  return rows;
}

TEST(BlockLayoutTest, StridedSeesNeighboursAndEveryStride) {
  EXPECT_THAT(drawn({.pattern = BlockPattern::kStrided, .size = 10, .window_blocks = 3}, 65),
              ::testing::ElementsAre("1111..1", "11111..", "111111.", "1111111", ".111111",
                                     "..11111", "1..1111"));
}

TEST(BlockLayoutTest, FixedSeesItsStrideAndTheLastOfEach) {
  EXPECT_THAT(drawn({.pattern = BlockPattern::kFixed, .size = 1, .window_blocks = 3}, 7),
              ::testing::ElementsAre("111..1.", "111..1.", "111..1.", "..1111.", "..1111.",
                                     "..1111.", "..1..11"));
}

TEST(BlockLayoutTest, BigBirdSeesNeighboursGlobalAndDrawnBlocks) {
  const BlockLayoutOptions options{
      .pattern = BlockPattern::kBigBird, .size = 4, .random_blocks = 2, .seed = 3};
  const auto layout = block_layout(options, 400);  // 100 blocks
  EXPECT_TRUE(layout[0].all().item<bool>());
  EXPECT_TRUE(layout.select(1, 0).all().item<bool>());
  EXPECT_TRUE(layout.equal(layout.transpose(0, 1)));
  for (int64_t r = 6; r < 100; ++r) {
    EXPECT_TRUE(layout[r].narrow(0, r - 1, 2).all().item<bool>());
    // Before it: its neighbour and itself, the global block, two that it drew.
    EXPECT_EQ(layout[r].narrow(0, 0, r + 1).sum().item<int64_t>(), 5) << r;
  }
  auto other = options;
  other.seed = 4;
  EXPECT_FALSE(layout.equal(block_layout(other, 400)));
  other.random_blocks = 0;
  EXPECT_EQ(block_layout(other, 400)[50].sum().item<int64_t>(), 4);
}

class BlockLayoutLawsTest : public ::testing::TestWithParam<BlockPattern> {
 protected:
  const BlockLayoutOptions options_{.pattern = GetParam(), .size = 3};
};

TEST_P(BlockLayoutLawsTest, AShorterTextSeesTheSame) {
  const auto whole = block_layout(options_, 60);
  for (const int64_t n : {1, 2, 7, 19})
    EXPECT_TRUE(block_layout(options_, 3 * n).equal(whole.narrow(0, 0, n).narrow(1, 0, n))) << n;
  EXPECT_TRUE(block_layout(options_, 60, 11).narrow(0, 11, 9).equal(whole.narrow(0, 11, 9)));
  EXPECT_EQ(block_layout(options_, 0).numel(), 0);
}

// The layer's own restrictions, with a cache and without: token by token, in pieces, at once.
TEST_P(BlockLayoutLawsTest, ACacheChangesNothing) {
  torch::manual_seed(3);
  for (const char* kernel : {"matmul", "flash", "blocked", "torch"}) {
    MultiHeadAttention layer(MultiHeadAttentionOptions{.d_model = 12,
                                                       .heads = 3,
                                                       .window = 11,
                                                       .global_tokens = 2,
                                                       .blocks = options_,
                                                       .kernel = kernel});
    const torch::NoGradGuard no_grad;
    const auto x = torch::randn({2, 40, 12});
    const auto whole = layer->forward(x, {.args = {.causal = true}});
    for (const int64_t step : {1, 3, 18}) {
      KvCache cache(2, 40, {{.kv_heads = 3, .head_width = 4}}, x.options());
      std::vector<torch::Tensor> parts;
      for (int64_t at = 0; at < 40; at += step) {
        const int64_t count = std::min(step, 40 - at);
        const KvPass pass = cache.begin(count);
        parts.push_back(layer->forward(
            x.narrow(1, at, count), {.args = {.causal = true}, .cache = KvLayer(cache, pass, 0)}));
        cache.commit(pass);
      }
      EXPECT_TRUE(torch::allclose(torch::cat(parts, 1), whole, 1e-4, 1e-5)) << kernel << step;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Patterns, BlockLayoutLawsTest,
                         ::testing::Values(BlockPattern::kStrided, BlockPattern::kFixed,
                                           BlockPattern::kBigBird),
                         [](const auto& info) { return std::string(name_of(info.param)); });

TEST(BlockLayoutErrorsTest, BlocksHaveASize) {
  const auto error = testing::torch_error_of(
      [] { block_layout({.pattern = BlockPattern::kStrided, .window_blocks = 0}, 8); });
  EXPECT_THAT(error, ::testing::HasSubstr("blocks need a size and a window of at least 1"));
}

}  // namespace
}  // namespace zoo
