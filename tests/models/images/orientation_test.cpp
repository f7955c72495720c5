// Hand-made EXIF data and XMP, whole and damaged; how pictures are turned. ImageTest reads files
// with all of them.
#include "models/images/orientation.h"

#include <gmock/gmock.h>

#include <random>

namespace zoo::testing {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;

/// Little-endian TIFF with one directory of these entries (12 bytes each), and what follows it.
std::string tiff(const std::vector<std::string>& entries, const std::string& after = {}) {
  std::string bytes = "II\x2a\0\x08\0\0\0"s + static_cast<char>(entries.size()) + '\0';
  for (const auto& entry : entries) bytes += entry;
  return bytes + "\0\0\0\0"s + after;
}

/// Tag, type, one value of up to four bytes.
std::string entry(const std::string& tag, char type, const std::string& value, char count = 1) {
  return tag + type + "\0"s + count + "\0\0\0"s + value;
}
const std::string kOrientation = "\x12\x01", kMaker = "\x0f\x01";
const std::string kSix = entry(kOrientation, 3, "\x06\0\0\0"s);

int in_exif(const std::string& exif) { return orientation_of({.exif = exif, .xmp = ""}); }
int in_xmp(const std::string& xmp) { return orientation_of({.exif = std::nullopt, .xmp = xmp}); }

TEST(OrientationTest, StandsInExif) {
  EXPECT_EQ(in_exif(tiff({kSix})), 6);
  EXPECT_EQ(in_exif("Exif\0\0"s + tiff({kSix})), 6);
  EXPECT_EQ(in_exif("MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x03\0\0"s), 3);
  EXPECT_EQ(in_exif(tiff({})), 1);
  EXPECT_EQ(in_exif(""), 1);
  EXPECT_EQ(in_exif(tiff({entry(kMaker, 2, "abc\0"s, 4), kSix})), 6);
}

TEST(OrientationTest, AnyKindOfNumberWillDoAndNoText) {
  const auto as = [](char type, const std::string& value, const std::string& after = {}) {
    return in_exif(tiff({entry(kOrientation, type, value)}, after));
  };
  EXPECT_EQ(as(4, "\x08\0\0\0"s), 8);
  EXPECT_EQ(as(6, "\x05\0\0\0"s), 5);
  EXPECT_EQ(as(11, "\0\0\xc0\x40"s), 6);                         // 6.0f
  EXPECT_EQ(as(5, "\x1a\0\0\0"s, "\x0c\0\0\0\x02\0\0\0"s), 6);   // 12/2
  EXPECT_EQ(as(5, "\x1a\0\0\0"s, "\x0c\0\0\0\0\0\0\0"s), 1);     // 12/0
  EXPECT_EQ(as(12, "\x1a\0\0\0"s, "\0\0\0\0\0\0\x14\x40"s), 5);  // 5.0
  for (const char type : {1, 2, 7, 14, 99}) EXPECT_EQ(as(type, "\x06\0\0\0"s), 1) << +type;
  EXPECT_EQ(as(3, "\x09\0\0\0"s), 1);
  EXPECT_EQ(as(3, "\0\0\0\0"s), 1);
}

TEST(OrientationTest, WhatIsDamagedIsPassedOverOrEndsTheSearch) {
  const auto far = entry(kMaker, 2, "\xff\xff\0\0"s, 20);  // twenty bytes at 65535
  EXPECT_EQ(in_exif(tiff({kSix, far})), 6);
  EXPECT_EQ(in_exif(tiff({far, kSix})), 1);
  const auto huge = kMaker + "\x02\0\xff\xff\xff\x7f\x1a\0\0\0"s;
  EXPECT_EQ(in_exif(tiff({huge, kSix})), 6);
  EXPECT_EQ(in_exif(tiff({entry(kOrientation, 3, "\x06\0\0\0"s, 0), kSix})), 6);
  EXPECT_EQ(in_exif(tiff({kSix, entry(kOrientation, 3, "\x03\0\0\0"s)})), 6);
  const std::string whole = tiff({entry(kMaker, 2, "abc\0"s, 4), kSix});
  for (size_t size = 8; size < whole.size(); ++size)
    EXPECT_EQ(in_exif(whole.substr(0, size)), size < whole.size() - 4 ? 1 : 6) << size;
}

TEST(OrientationTest, DataThatAreNoTiffAreAnErrorUnlessTheyMayBePassedOver) {
  for (const auto& exif : {"garbage"s, "II\x2a"s, "II\x2b\0\x08\0\0\0\0\0\0\0"s}) {
    EXPECT_THROW(in_exif(exif), std::runtime_error);
    EXPECT_EQ(orientation_of({.exif = exif, .xmp = "tiff:Orientation=\"6\"", .lenient = true}), 1);
  }
}

TEST(OrientationTest, XmpCountsWhereExifSaysNothing) {
  EXPECT_EQ(in_xmp("<a tiff:Orientation=\"6\"/>"), 6);
  EXPECT_EQ(in_xmp("<tiff:Orientation>8</tiff:Orientation>"), 8);
  EXPECT_EQ(in_xmp("<tiff:Orientation >2</a><b tiff:Orientation=\"5\"/>"), 5);
  for (const char* none : {"", "tiff:Orientation='6'", "tiff:Orientation=\"", "tiff:Orientation",
                           "tiff:Orientation=\"0\"", "tiff:Orientation=\"9\""})
    EXPECT_EQ(in_xmp(none), 1) << none;
  const std::string xmp = "tiff:Orientation=\"8\"";
  EXPECT_EQ(orientation_of({.exif = tiff({kSix}), .xmp = xmp}), 6);
  EXPECT_EQ(orientation_of({.exif = tiff({}), .xmp = xmp}), 8);
  EXPECT_EQ(orientation_of({.exif = tiff({entry(kOrientation, 3, "\0\0\0\0"s)}), .xmp = xmp}), 1);
}

TEST(OrientationTest, RandomBytesAreReadOrRefused) {
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    std::string exif = tiff({entry(kMaker, 5, "\x26\0\0\0"s), kSix}, "\1\0\0\0\2\0\0\0"s);
    for (int n = 0; n < 3; ++n) exif[random() % exif.size()] = static_cast<char>(random());
    exif.resize(random() % (exif.size() + 1));
    const int orientation = orientation_of({.exif = exif, .xmp = exif, .lenient = true});
    EXPECT_TRUE(orientation >= 1 && orientation <= 8);
  }
}

TEST(TurnedTest, MirrorsAndSwapsRowsAndColumns) {
  // 3 x 2: a b c above d e f.
  Image image{3, 2, {}};
  for (const char pixel : {'a', 'b', 'c', 'd', 'e', 'f'})
    image.rgb.insert(image.rgb.end(), 3, static_cast<uint8_t>(pixel));
  const auto seen = [&](int orientation) {
    const Image upright = turned(image, orientation);
    std::string rows = std::to_string(upright.width) + ":";
    for (size_t i = 0; i < upright.rgb.size(); i += 3) rows += static_cast<char>(upright.rgb[i]);
    return rows;
  };
  std::vector<std::string> all;
  for (int orientation = 1; orientation <= 8; ++orientation) all.push_back(seen(orientation));
  EXPECT_THAT(all, ElementsAre("3:abcdef", "3:cbafed", "3:fedcba", "3:defabc", "2:adbecf",
                               "2:daebfc", "2:fcebda", "2:cfbead"));
}

}  // namespace
}  // namespace zoo::testing
