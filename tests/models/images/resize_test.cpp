// Every filter against Pillow, byte by byte.
#include "models/images/resize.h"

#include <gmock/gmock.h>

#include "tests/models/images/golden.h"

namespace zoo::testing {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

TEST(ResizeTest, IsPillowsToTheLastBit) {
  ASSERT_EQ(golden_images()["resized"].size(), 88u);
  for (const auto& c : golden_images()["resized"]) {
    const auto from = c["from"].get<std::vector<int>>(), to = c["to"].get<std::vector<int>>();
    const auto filter = c["filter"].get<std::string>();
    const auto out = resize(picture(from[0], from[1]), to[0], to[1], parse_enum<Resample>(filter));
    EXPECT_EQ(out.rgb, pixels_of(c["rgb"])) << filter << " " << c["from"] << " " << c["to"];
  }
}

TEST(ResizeTest, HalvingUnderTheBoxIsTheMeanOfFour) {
  const std::vector<uint8_t> grey = {0, 2, 10, 20, 4, 6, 30, 40};  // 4 x 2
  EXPECT_THAT(resize(grey, 4, 2, 1, 2, 1, Resample::kBox), ElementsAre(3, 25));
}

TEST(ResizeTest, PlainAreasStayPlain) {
  const Image image{5, 7, std::vector<uint8_t>(5 * 7 * 3, 200)};
  for (const auto& [filter, name] : EnumNames<Resample>::values)
    EXPECT_THAT(resize(image, 31, 2, filter).rgb, Each(200)) << name;
}

TEST(ResizeTest, RefusesSizesWithoutPixelsAndPixelsOfAnotherSize) {
  const Image image = picture(3, 3);
  EXPECT_THROW(resize(image, 0, 3, Resample::kBox), std::invalid_argument);
  EXPECT_THROW(resize(image, 3, -1, Resample::kNearest), std::invalid_argument);
  EXPECT_THROW(resize(image.rgb, 4, 3, 3, 2, 2, Resample::kBox), std::invalid_argument);
}

}  // namespace
}  // namespace zoo::testing
