// Heat maps and contact sheets pixel by pixel, and the frame of a PNG file.
#include "app/figures/heat_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/files.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

int brightness(const Image& image, int x, int y) {
  const uint8_t* pixel = &image.rgb[(static_cast<size_t>(y) * image.width + x) * 3];
  return pixel[0] + pixel[1] + pixel[2];
}

Image plain(int width, int height, uint8_t value) {
  return {width, height, std::vector<uint8_t>(static_cast<size_t>(width) * height * 3, value)};
}

TEST(PngTest, HeatMapCellsGrowBrighterWithTheValue) {
  const float values[] = {0, 0.25f, 0.5f, 0.75f, 1, 2};
  const Image image = heat_map(values, 2, 3, 0, 1, 4);
  EXPECT_EQ(image.width, 12);
  EXPECT_EQ(image.height, 8);
  int last = -1;
  for (int i = 0; i < 5; ++i) {
    const int now = brightness(image, i % 3 * 4 + 3, i / 3 * 4 + 3);
    EXPECT_GT(now, last);
    EXPECT_EQ(now, brightness(image, i % 3 * 4, i / 3 * 4));
    last = now;
  }
  EXPECT_EQ(brightness(image, 11, 7), last) << "values above `high` take its colour";
}

TEST(PngTest, NanIsGreyAndAnEmptyRangeIsDark) {
  const float values[] = {NAN, 1};
  EXPECT_EQ(heat_map(values, 1, 2, 0, 1, 1).rgb[0], 128);
  EXPECT_EQ(brightness(heat_map(values, 1, 2, 1, 1, 1), 1, 0),
            brightness(heat_map(std::vector<float>{0, 0}, 1, 2, 0, 1, 1), 0, 0));
}

TEST(PngTest, HeatMapRefusesAWrongNumberOfValues) {
  const float values[] = {0, 1, 2};
  EXPECT_THROW(heat_map(values, 2, 2, 0, 1), std::invalid_argument);
  EXPECT_THROW(heat_map(values, 0, 3, 0, 1), std::invalid_argument);
}

TEST(PngTest, ContactSheetsPlaceRowByRowWithGaps) {
  const Image images[] = {plain(2, 3, 10), plain(2, 3, 20), plain(2, 3, 30)};
  const Image sheet = contact_sheet(images, 2, 1);
  EXPECT_EQ(sheet.width, 5);
  EXPECT_EQ(sheet.height, 7);
  EXPECT_EQ(brightness(sheet, 1, 2), 30);
  EXPECT_EQ(brightness(sheet, 2, 0), 3 * 255);
  EXPECT_EQ(brightness(sheet, 3, 0), 60);
  EXPECT_EQ(brightness(sheet, 0, 4), 90);
  EXPECT_EQ(brightness(sheet, 3, 4), 3 * 255);
}

TEST(PngTest, ContactSheetsRefusePicturesOfDifferentSize) {
  const Image images[] = {plain(2, 3, 10), plain(3, 2, 20)};
  EXPECT_THROW(contact_sheet(images, 2), std::invalid_argument);
  EXPECT_THROW(contact_sheet({}, 2), std::invalid_argument);
}

TEST(PngTest, FilesCarrySignatureSizeAndEnd) {
  const testing::TemporaryFolder folder;
  write_png(folder / "a.png", plain(258, 3, 7));
  const std::string bytes = read_file(folder / "a.png");
  EXPECT_THAT(bytes, StartsWith("\x89PNG\r\n\x1a\n"));
  EXPECT_EQ(bytes.substr(12, 4), "IHDR");
  EXPECT_EQ(bytes.substr(16, 8), std::string("\0\0\1\2\0\0\0\3", 8));
  EXPECT_EQ(bytes.substr(bytes.size() - 8, 4), "IEND");
}

TEST(PngTest, ImagesWithoutTheirPixelsAreRefused) {
  EXPECT_THROW(encode_png({}), std::invalid_argument);
  EXPECT_THROW(encode_png({2, 2, {1, 2, 3}}), std::invalid_argument);
}

TEST(PngTest, DataUrisAreBase64OfTheFile) {
  const std::string uri = png_data_uri(plain(1, 1, 0));
  // The eight signature bytes and the next one are three groups of four letters.
  EXPECT_THAT(uri, StartsWith("data:image/png;base64,iVBORw0KGgoA"));
  EXPECT_EQ((uri.size() - 22) % 4, 0u);
  EXPECT_EQ(uri.size() - 22, (encode_png(plain(1, 1, 0)).size() + 2) / 3 * 4);
}

}  // namespace
}  // namespace zoo
