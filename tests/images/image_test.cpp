// Files of every kind against Pillow, and files that are broken.
#include "models/images/image.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <random>

#include "models/images/crc32.h"
#include "models/images/stb_decoders.h"
#include "tests/images/golden.h"
#include "tests/support/temporary_folder.h"

namespace zoo::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

std::string file_of(const std::string& name) {
  for (const auto& c : golden_images()["files"])
    if (c["name"] == name) return bytes_of(c["file"]);
  throw std::runtime_error("no golden file " + name);
}

std::string big_endian(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
          static_cast<char>(value >> 8), static_cast<char>(value)};
}

std::string chunk(const std::string& type, const std::string& content) {
  return big_endian(static_cast<uint32_t>(content.size())) + type + content +
         big_endian(crc32(type + content));
}

/// A PNG of 8-bit RGB with these compressed pixels.
std::string png_of(uint32_t width, uint32_t height, const std::string& pixels) {
  return "\x89PNG\r\n\x1a\n" +
         chunk("IHDR", big_endian(width) + big_endian(height) + std::string("\x08\x02\0\0\0", 5)) +
         chunk("IDAT", pixels) + chunk("IEND", "");
}

void expect_refused(const std::string& bytes, const std::string& why) {
  EXPECT_THAT([&] { decode_image(bytes, "a.png"); },
              ThrowsMessage<std::runtime_error>(
                  AllOf(StartsWith("cannot read the picture a.png: "), HasSubstr(why))));
}

TEST(ImageTest, ReadsWhatPillowReads) {
  for (const auto& c : golden_images()["files"]) {
    const auto name = c["name"].get<std::string>();
    const Image image = decode_image(bytes_of(c["file"]), name);
    EXPECT_EQ(image.width, c["width"]) << name;
    EXPECT_EQ(image.height, c["height"]) << name;
    const auto expected = pixels_of(c["rgb"]);
    ASSERT_EQ(image.rgb.size(), expected.size()) << name;
    int furthest = 0;
    for (size_t i = 0; i < expected.size(); ++i)
      furthest = std::max(furthest, std::abs(image.rgb[i] - expected[i]));
    EXPECT_LE(furthest, name.starts_with("jpeg") ? 4 : 0) << name;
  }
}

TEST(ImageTest, ReadsAFileAndNamesOneThatIsNotThere) {
  const TemporaryFolder folder;
  const Image image = picture(5, 4);
  write_png(folder / "a.png", image);
  EXPECT_EQ(read_image(folder / "a.png").rgb, image.rgb);
  EXPECT_THAT([&] { read_image(folder / "b.png"); },
              ThrowsMessage<std::runtime_error>(HasSubstr("b.png")));
}

TEST(ImageTest, EveryCutOffFileIsRefused) {
  for (const std::string name : {"rgb", "palette alpha", "jpeg", "jpeg progressive"}) {
    const std::string whole = file_of(name);
    for (size_t size = 0; size < whole.size(); ++size)
      EXPECT_THROW(decode_image(whole.substr(0, size), name), std::runtime_error) << name << size;
  }
  expect_refused(file_of("rgb").substr(0, 60), "cut off");
  expect_refused(file_of("jpeg").substr(0, 700), "cut off");
}

TEST(ImageTest, EveryDamagedByteOfAPngIsRefused) {
  const std::string whole = file_of("rgb");
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x40);
    EXPECT_THROW(decode_image(damaged, "a.png"), std::runtime_error) << "byte " << i;
  }
}

TEST(ImageTest, DamagedJpegsAreReadOrRefused) {
  std::mt19937 random(1);
  for (int i = 0; i < 3000; ++i) {
    std::string damaged = file_of(i % 2 == 0 ? "jpeg" : "jpeg progressive");
    for (int n = 0; n < 3; ++n) damaged[random() % damaged.size()] = static_cast<char>(random());
    try {
      const Image image = decode_image(damaged, "a.jpg", 10'000);
      EXPECT_EQ(image.rgb.size(), static_cast<size_t>(image.width) * image.height * 3);
    } catch (const std::runtime_error& error) {
      EXPECT_THAT(error.what(), StartsWith("cannot read the picture a.jpg: "));
    }
  }
}

TEST(ImageTest, OtherFilesAreRefused) {
  expect_refused("", "the file is empty");
  expect_refused("GIF89a..............", "neither PNG nor JPEG");
  expect_refused("BM12345678901234567890123456789012345678901234567890", "neither PNG nor JPEG");
  expect_refused(std::string(100, '\0'), "neither PNG nor JPEG");
}

TEST(ImageTest, HugePicturesAreRefusedByTheirHeader) {
  expect_refused(png_of(60'000, 50'000, "x"), "60000 x 50000 pixels are more than the 100000000");
  expect_refused(png_of(0, 5, "x"), "without pixels");
  expect_refused(png_of(0xffffffff, 5, "x"), "");
  const Image image = picture(5, 4);
  EXPECT_NO_THROW(decode_image(encode_png(image), "a.png", 20));
  EXPECT_THROW(decode_image(encode_png(image), "a.png", 19), std::runtime_error);
}

TEST(ImageTest, SmallPicturesThatInflateToGigabytesAreRefused) {
  // Deflate's fixed code: length 258 at distance 1, over and over, 13 bits each, after one zero.
  std::string bits =
      "1"
      "10"
      "00110000";  // last block, fixed codes, the byte 0
  for (int i = 0; i < 400'000; ++i)
    bits +=
        "11000101"
        "00000";
  std::string pixels = "\x78\x01";
  for (size_t i = 0; i + 8 <= bits.size(); i += 8) {
    int byte = 0;
    for (size_t bit = 0; bit < 8; ++bit) byte |= (bits[i + bit] - '0') << bit;
    pixels += static_cast<char>(byte);
  }
  expect_refused(png_of(2, 2, pixels), "outofmem");  // 100 MB for 12 bytes
}

TEST(ImageTest, LuminanceIsPillows) {
  const Image image{3, 1, {255, 0, 0, 0, 255, 0, 10, 20, 30}};
  EXPECT_THAT(luminance(image), ElementsAre(76, 150, 18));
}

TEST(InflateTest, UndoesStoredAndPackedBlocksAndRefusesOthers) {
  const std::string stored(
      "\x01\x03\x00\xfc\xff"
      "abc",
      8);
  EXPECT_EQ(detail::inflate(stored, 3), "abc");
  EXPECT_EQ(detail::inflate(std::string("\x4b\x4c\x84\x01\x00", 5), 10), "aaaaaaaaaa");
  EXPECT_THROW(detail::inflate(stored, 2), std::runtime_error);
  EXPECT_THROW(detail::inflate(stored, 4), std::runtime_error);
  EXPECT_THROW(detail::inflate("", 4), std::runtime_error);
  EXPECT_THROW(detail::inflate("garbage", 4), std::runtime_error);
}

TEST(Crc32Test, IsTheStandards) { EXPECT_EQ(crc32("123456789"), 0xCBF43926u); }

}  // namespace
}  // namespace zoo::testing
