#include "train/data/images/coloured_shapes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <stdexcept>

namespace zoo {
namespace {

TEST(ColouredShapesTest, EveryCaptionNamesTheColourAndTheShape) {
  const auto made = coloured_shapes({.examples = 160}, 1);
  ASSERT_EQ(made.size(), 160);
  EXPECT_EQ(made.pixels.sizes(), (std::vector<int64_t>{160, 3, 32, 32}));
  std::set<std::string> wordings;
  for (size_t n = 0; n < 160; ++n) {
    const auto& name = made.concepts.at(static_cast<size_t>(made.concept_of[n]));
    const auto space = name.find(' ');
    ASSERT_EQ(made.captions[n].size(), 1U);
    EXPECT_THAT(made.captions[n][0], ::testing::HasSubstr(name.substr(0, space)));
    EXPECT_THAT(made.captions[n][0], ::testing::HasSubstr(name.substr(space + 1)));
    wordings.insert(made.captions[n][0]);
  }
  EXPECT_EQ(std::set(made.concept_of.begin(), made.concept_of.end()).size(), 16U);
  EXPECT_GT(wordings.size(), 40U);  // of 64
}

TEST(ColouredShapesTest, ThePictureHasTheColourThatItsCaptionSays) {
  const auto made = coloured_shapes({.examples = 64}, 2);
  const auto spread = made.pixels.to(torch::kFloat);
  for (int64_t n = 0; n < 64; ++n) {
    // The most colourful pixel lies in the shape: the ground is grey.
    const auto colourful = spread[n].amax(0) - spread[n].amin(0);  // [H, W]
    const auto place = colourful.flatten().argmax().item<int64_t>();
    const auto rgb = spread[n].flatten(1).select(1, place);
    const auto strongest = rgb.argmax().item<int64_t>();
    const auto& name = made.concepts[static_cast<size_t>(made.concept_of[static_cast<size_t>(n)])];
    const int64_t wanted = name.starts_with("green") ? 1 : name.starts_with("blue") ? 2 : 0;
    EXPECT_EQ(strongest, wanted) << name << " of " << rgb;
  }
}

TEST(ColouredShapesTest, ASeedIsASet) {
  const auto a = coloured_shapes({.examples = 20}, 3), b = coloured_shapes({.examples = 20}, 3);
  EXPECT_TRUE(a.pixels.equal(b.pixels));
  EXPECT_EQ(a.captions, b.captions);
  EXPECT_FALSE(a.pixels.equal(coloured_shapes({.examples = 20}, 4).pixels));
}

TEST(ColouredShapesTest, RefusesWhatCannotBeDrawn) {
  EXPECT_THROW(coloured_shapes({.image_size = 8}, 1), std::invalid_argument);
  EXPECT_THROW(coloured_shapes({.examples = 0}, 1), std::invalid_argument);
}

TEST(CaptionTableTest, ATextThatTwoPicturesShareIsOneText) {
  const std::vector<std::vector<std::string>> captions = {
      {"a cat", "a pet"}, {"a dog", "a pet"}, {"a cat"}};
  const auto table = caption_table(captions);
  EXPECT_THAT(table.texts, ::testing::ElementsAre("a cat", "a pet", "a dog"));
  const auto wanted =
      torch::tensor({{true, true, false}, {false, true, true}, {true, false, false}});
  EXPECT_TRUE(table.matches.equal(wanted));
}

}  // namespace
}  // namespace zoo
