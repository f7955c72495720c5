// Files of every kind against Pillow, and files that are broken.
#include "models/images/image.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <optional>
#include <random>

#include "models/images/deflate.h"
#include "tests/models/images/golden.h"
#include "tests/support/temporary_folder.h"

namespace zoo::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
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
    // Another libjpeg than Pillow's may round otherwise.
    EXPECT_LE(furthest, name.starts_with("jpeg") ? 2 : 0) << name;
  }
}

TEST(ImageTest, AnIndexPastThePaletteIsBlackWhateverWasReadBefore) {
  decode_image(file_of("png 3 8"), "a.png");  // 256 colours
  const Image image = decode_image(file_of("png past the palette"), "b.png");
  const std::vector<uint8_t> last_row(image.rgb.begin() + 9, image.rgb.end());
  EXPECT_THAT(last_row, ElementsAre(0, 0, 0, 0, 0, 0, 13, 14, 15));
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
  for (const std::string name :
       {"rgb", "palette alpha", "png 6 16 interlaced", "jpeg", "jpeg progressive", "jpeg cmyk"}) {
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

/// The picture, or nothing where it was refused properly.
std::optional<Image> read_or_refuse(const std::string& bytes) {
  try {
    Image image = decode_image(bytes, "a", 10'000);
    EXPECT_EQ(image.rgb.size(), static_cast<size_t>(image.width) * image.height * 3);
    return image;
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(),
                AllOf(StartsWith("cannot read the picture a: "), Not(HasSubstr("\n"))));
    return std::nullopt;
  }
}

TEST(ImageTest, DamagedJpegsAreReadOrRefusedAndGiveTheSameTwice) {
  std::mt19937 random(1);
  const std::vector<std::string> names = {"jpeg",      "jpeg progressive", "jpeg cmyk",
                                          "jpeg grey", "jpeg exif 6",      "jpeg xmp 3"};
  for (size_t i = 0; i < 3000; ++i) {
    std::string damaged = file_of(names[i % names.size()]);
    for (int n = 0; n < 3; ++n) damaged[random() % damaged.size()] = static_cast<char>(random());
    const auto first = read_or_refuse(damaged), second = read_or_refuse(damaged);
    ASSERT_EQ(first.has_value(), second.has_value());
    if (first) EXPECT_EQ(first->rgb, second->rgb);
  }
}

/// Puts sums right that damage made wrong, so that it goes deeper.
std::string with_right_sums(std::string file) {
  const auto number = [&](size_t at) {
    uint32_t value = 0;
    for (size_t i = at; i < at + 4; ++i) value = value << 8 | static_cast<uint8_t>(file[i]);
    return size_t{value};
  };
  for (size_t at = 8; at + 12 <= file.size() && number(at) <= file.size() - at - 12;) {
    const size_t end = at + 8 + number(at);
    file.replace(end, 4, big_endian(crc32(file.substr(at + 4, end - at - 4))));
    at = end + 4;
  }
  return file;
}

TEST(ImageTest, DamagedPngsWithRightSumsAreReadOrRefusedAndGiveTheSameTwice) {
  std::mt19937 random(2);
  const std::vector<std::string> names = {"rgb",      "palette alpha", "png 3 2 interlaced",
                                          "png 0 16", "png exif 5",    "png xmp 7"};
  for (size_t i = 0; i < 3000; ++i) {
    std::string damaged = file_of(names[i % names.size()]);
    for (int n = 0; n < 2; ++n)
      damaged[8 + random() % (damaged.size() - 8)] = static_cast<char>(random());
    damaged = with_right_sums(damaged);
    const auto first = read_or_refuse(damaged), second = read_or_refuse(damaged);
    ASSERT_EQ(first.has_value(), second.has_value());
    if (first) EXPECT_EQ(first->rgb, second->rgb);
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
  expect_refused(png_of(0, 5, "x"), "Invalid IHDR data");
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
  expect_refused(png_of(2, 2, pixels), "Not enough image data");  // 100 MB for 12 bytes, no end
}

TEST(ImageTest, LuminanceIsPillows) {
  const Image image{3, 1, {255, 0, 0, 0, 255, 0, 10, 20, 30}};
  EXPECT_THAT(luminance(image), ElementsAre(76, 150, 18));
}

}  // namespace
}  // namespace zoo::testing
