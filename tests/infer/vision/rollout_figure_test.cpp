// Shares of patches over a picture: colours, lines, scale, and what a pointer reads.
#include "infer/vision/rollout_figure.h"

#include <gmock/gmock.h>

#include "tests/support/occurrences.h"

namespace zoo::testing {
namespace {

using ::testing::HasSubstr;

const auto kShares = [] { return torch::tensor({{0.75, 0.0}, {0.0, 0.25}}); };

Image black(int side) {
  return {side, side,
          std::vector<uint8_t>(static_cast<size_t>(side) * static_cast<size_t>(side) * 3)};
}

/// Red, green and blue together.
int brightness(const Image& image, int x, int y) {
  const size_t at =
      (static_cast<size_t>(y) * static_cast<size_t>(image.width) + static_cast<size_t>(x)) * 3;
  return image.rgb[at] + image.rgb[at + 1] + image.rgb[at + 2];
}

TEST(RolloutFigureTest, SharesShowOnABlackPicture) {
  const Image drawn = tint_patches(black(4), kShares(), 224);
  EXPECT_EQ(drawn.width, 224);
  EXPECT_GT(brightness(drawn, 50, 50), 400);    // the largest share
  EXPECT_LT(brightness(drawn, 170, 50), 50);    // none
  EXPECT_GT(brightness(drawn, 170, 170), 100);  // a third of the largest
  EXPECT_LT(brightness(drawn, 170, 170), 400);
}

TEST(RolloutFigureTest, LinesSeparateThePatches) {
  const Image drawn = tint_patches(black(4), torch::zeros({2, 2}), 224);
  EXPECT_GT(brightness(drawn, 112, 30), brightness(drawn, 111, 30) + 100);
  EXPECT_GT(brightness(drawn, 30, 112), brightness(drawn, 30, 113) + 100);
}

TEST(RolloutFigureTest, ThePictureStandsBesideItsSharesAndAScale) {
  const Image seen{4, 4, std::vector<uint8_t>(48, 200)};
  const Image drawn = draw_rollout(seen, kShares());
  ASSERT_EQ(drawn.width, 2 * 224 + 4);
  EXPECT_GT(drawn.height, 224 + 10);
  EXPECT_EQ(brightness(drawn, 10, 10), 600);                // the picture itself
  EXPECT_LT(brightness(drawn, 230, 230), 100);              // the scale, from dark
  EXPECT_GT(brightness(drawn, drawn.width - 2, 230), 600);  // to bright
}

TEST(RolloutFigureTest, OnAPageEachPatchTellsItsShare) {
  const std::string html = rollout_html(black(4), kShares());
  EXPECT_EQ(occurrences(html, "<rect "), 4U);
  for (const char* text :
       {"<title>patch 0,0: 75 %</title>", "<title>patch 1,1: 25 %</title>", "an even share is 25 %",
        "<i>75 %</i>", "linear-gradient(to right, #04051e"})
    EXPECT_THAT(html, HasSubstr(text));
}

}  // namespace
}  // namespace zoo::testing
