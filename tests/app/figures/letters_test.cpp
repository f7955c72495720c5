#include "app/figures/letters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace zoo {
namespace {

/// The picture as lines of dots: '#' where it is not white.
std::string dots(const Image& image) {
  std::string text;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x)
      text += image.rgb[(static_cast<size_t>(y) * image.width + x) * 3] == 255 ? '.' : '#';
    text += '\n';
  }
  return text;
}

TEST(LettersTest, DrawsALetterAndTheSameTurnedToTheLeft) {
  Image image = blank_image(5, 7);
  draw_text(image, 0, 0, "L");
  EXPECT_EQ(dots(image), "#....\n#....\n#....\n#....\n#....\n#....\n#####\n");
  Image turned = blank_image(7, 5);
  draw_text_upwards(turned, 0, 4, "L");
  EXPECT_EQ(dots(turned), "......#\n......#\n......#\n......#\n#######\n");
}

TEST(LettersTest, EveryPrintableCharacterLooksDifferent) {
  std::vector<std::string> all;
  for (char c = ' '; c <= '~'; ++c) {
    Image image = blank_image(5, 7);
    draw_text(image, 0, 0, std::string(1, c));
    all.push_back(dots(image));
  }
  std::ranges::sort(all);
  EXPECT_EQ(std::ranges::adjacent_find(all), all.end());
}

TEST(LettersTest, OtherCharactersAreOneBoxAndInvalidBytesToo) {
  EXPECT_EQ(text_width("aж語😀\xFF"), 5 * kLetterWidth);
  Image image = blank_image(5, 7), other = blank_image(5, 7);
  draw_text(image, 0, 0, "語");
  draw_text(other, 0, 0, "\xFF");
  EXPECT_EQ(dots(image), dots(other));
  EXPECT_EQ(dots(image).substr(0, 6), "#####\n");
}

TEST(LettersTest, WhatIsOutsideThePictureIsLeftOut) {
  Image image = blank_image(4, 4);
  draw_text(image, -3, -6, "MM");  // of their last line the feet at 1 and 3
  paste(image, blank_image(3, 3, {0, 0, 0}), 2, 3);
  EXPECT_EQ(dots(image), ".#.#\n....\n....\n..##\n");
}

}  // namespace
}  // namespace zoo
