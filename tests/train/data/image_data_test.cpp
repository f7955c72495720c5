// Readers of image data sets: what they read, and one line for every file that is not as it should
// be.
#include "train/data/images/image_data.h"

#include <gmock/gmock.h>

#include <cmath>
#include <random>

#include "models/images/deflate.h"
#include "tests/support/temporary_folder.h"
#include "tests/train/data/image_files.h"
#include "train/data/images/captioned_images.h"
#include "train/data/images/cifar.h"
#include "train/data/images/idx.h"
#include "train/data/images/npy.h"

namespace zoo::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;

/// One line that says `what`.
auto says(const std::string& what) {
  return ThrowsMessage<std::runtime_error>(AllOf(HasSubstr(what), Not(HasSubstr("\n"))));
}

class ImageDataTest : public ::testing::Test {
 protected:
  void put(const std::string& name, const std::string& bytes) {
    fs::create_directories((folder_ / name).parent_path());
    write_file(folder_ / name, bytes);
  }
  void expect_refused(const std::string& what) {
    EXPECT_THAT([&] { read_image_data(folder_.path(), {1, 4, 4}, 2); }, says(what));
  }
  TemporaryFolder folder_;
};

using IdxTest = ImageDataTest;

TEST_F(IdxTest, ReadsBothPartsAndNamesClassesByNumber) {
  write_idx_folder(folder_.path(), 6, 4);
  const auto data = read_image_data(folder_.path(), {1, 4, 4}, 1);
  EXPECT_EQ(data.training.pixels.sizes(), (std::vector<int64_t>{6, 1, 4, 4}));
  EXPECT_EQ(data.training.pixels[1][0][0][1].item<int>(), 150 + 12);
  EXPECT_EQ(data.training.labels[3].item<int>(), 1);
  EXPECT_EQ(data.validation.size(), 4);
  EXPECT_THAT(data.class_names, ElementsAre("0", "1"));
}

TEST_F(IdxTest, WrongFilesAreRefused) {
  const auto file = folder_ / "f";
  const auto refused = [&](const std::string& bytes, const std::string& what) {
    write_file(file, bytes);
    EXPECT_THAT([&] { read_idx(file); }, says(what)) << what;
  };
  const std::string good = idx({2, 3}, "abcdef");
  write_file(file, good);
  EXPECT_EQ(read_idx(file).sizes(), (std::vector<int64_t>{2, 3}));
  refused("", "no IDX file");
  refused("PNG!....", "no IDX file");
  refused("\x1f\x8b\x08....", "gunzip");
  refused(std::string("\0\0\x0d\x01\0\0\0\x01....", 12), "only bytes (0x08)");
  refused(good.substr(0, 9), "cut off before its sizes");
  refused(good.substr(0, 16), "do not fit the 4 bytes");
  refused(good + "x", "do not fit the 7 bytes");
  refused(idx({0}, ""), "a size is 0");
  refused(idx({0xffffffff, 0xffffffff, 0xffffffff}, "a"), "do not fit");
  refused(idx({0x80000000, 2}, ""), "do not fit");
}

TEST_F(IdxTest, PicturesAndLabelsThatDoNotMatchAreRefused) {
  write_idx_folder(folder_.path(), 6, 0);
  put("train-labels-idx1-ubyte", idx({5}, std::string("\0\1\0\1\0", 5)));
  expect_refused("6 pictures, but 5 labels");
  fs::remove(folder_ / "train-labels-idx1-ubyte");
  expect_refused("train-labels-idx1-ubyte");
  put("train-labels-idx1-ubyte", idx({2, 3}, alternating(6)));
  expect_refused("labels need 1 size");
}

using CifarTest = ImageDataTest;

TEST_F(CifarTest, ReadsTenAndAHundredClasses) {
  std::string record(1, '\7');
  for (int i = 0; i < 3072; ++i) record += static_cast<char>(i / 1024 * 10 + i % 7);
  for (int part = 1; part <= 5; ++part)
    put("ten/data_batch_" + std::to_string(part) + ".bin", record);
  put("ten/test_batch.bin", record + record);
  put("ten/batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nhorse\ni\nj\n\n");
  const auto ten = read_image_data(folder_ / "ten", {3, 32, 32}, 1);
  EXPECT_EQ(ten.training.pixels.sizes(), (std::vector<int64_t>{5, 3, 32, 32}));
  EXPECT_EQ(ten.training.pixels[4][2][0][1].item<int>(), 25);
  EXPECT_EQ(ten.class_names[7], "horse");
  EXPECT_EQ(ten.validation.size(), 2);

  put("hundred/train.bin", std::string(1, '\3') + std::string(1, '\x63') + record.substr(1));
  const auto hundred = read_image_data(folder_ / "hundred", {3, 32, 32}, 1);
  EXPECT_EQ(hundred.training.labels[0].item<int>(), 99);
  EXPECT_EQ(hundred.class_names.size(), 100u);
}

TEST_F(CifarTest, WrongFilesAreRefused) {
  put("train.bin", std::string(3073, '\1'));
  expect_refused("no whole number of records of 3074");
  put("train.bin", "");
  expect_refused("no whole number of records");
  put("train.bin", std::string(3074, '\x64'));
  expect_refused("a label is 100, but must be from 0 to 99");
  put("train.bin", std::string(3074, '\1'));
  put("fine_label_names.txt", "cat\ndog\n");
  expect_refused("must name 100 classes, not 2");
}

using ClassFoldersTest = ImageDataTest;

TEST_F(ClassFoldersTest, AreReadInTheSameOrderByAnyNumberOfThreads) {
  for (int i = 0; i < 9; ++i) {
    fs::create_directories(folder_ / "train/b");
    fs::create_directories(folder_ / "train/a");
    write_png(folder_ / ("train/b/" + std::to_string(i) + ".png"),
              plain_image(3 + i, 5, static_cast<uint8_t>(10 * i), 2, 3));
  }
  write_png(folder_ / "train/a/0.png", plain_image(8, 8, 200, 100, 50));
  for (const char* added : {"a/.hidden", "a/._0.png", "a/Thumbs.db", "a/desktop.ini", "Thumbs.db"})
    put(std::string("train/") + added, "no picture");
  for (const char* added : {"a/.ipynb_checkpoints", "__MACOSX", ".git", "$RECYCLE.BIN"})
    fs::create_directories(folder_ / "train" / added / "inner");
  fs::create_directories(folder_ / "val/b");
  write_png(folder_ / "val/b/0.png", plain_image(2, 2, 1, 1, 1));
  fs::create_directories(folder_ / "val/a");
  write_png(folder_ / "val/a/0.png", plain_image(2, 2, 1, 1, 1));
  const auto one = read_image_data(folder_.path(), {3, 6, 7}, 1);
  const auto four = read_image_data(folder_.path(), {3, 6, 7}, 4);
  EXPECT_TRUE(one.training.pixels.equal(four.training.pixels));
  EXPECT_EQ(one.training.pixels.sizes(), (std::vector<int64_t>{10, 3, 6, 7}));
  EXPECT_EQ(one.training.pixels[0][0][0][0].item<int>(), 200);
  EXPECT_EQ(one.training.pixels[4][0][5][6].item<int>(), 30);
  EXPECT_TRUE(one.training.labels.equal(torch::tensor({0, 1, 1, 1, 1, 1, 1, 1, 1, 1})));
  EXPECT_THAT(one.class_names, ElementsAre("a", "b"));
  EXPECT_EQ(one.validation.size(), 2);
}

/// A PNG file whose EXIF data say how the picture stands.
std::string standing_png(const Image& image, char orientation) {
  using namespace std::string_literals;
  const std::string content =
      "eXIfII\x2a\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0"s + orientation + std::string(7, '\0');
  const auto number = [](size_t value) {
    return std::string{'\0', '\0', static_cast<char>(value >> 8), static_cast<char>(value)};
  };
  const uint32_t sum = crc32(content);
  std::string file = encode_png(image);
  constexpr size_t kEnd = 12;  // IEND
  return file.insert(file.size() - kEnd, number(content.size() - 4) + content +
                                             number(sum >> 16).substr(2) + number(sum).substr(2));
}

TEST_F(ClassFoldersTest, PicturesStandUpright) {
  // 3 x 2 in the file, 2 x 3 once turned to the right.
  const Image lying{3, 2, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18}};
  put("a/lying.png", standing_png(lying, 6));
  put("pairs.tsv", "a/lying.png\tthing\n");
  const auto upright =
      planes_of({2, 3, {10, 11, 12, 1, 2, 3, 13, 14, 15, 4, 5, 6, 16, 17, 18, 7, 8, 9}});
  const auto captioned = read_captioned_images(folder_ / "pairs.tsv", {.resize = false});
  EXPECT_TRUE(captioned.pixels[0].equal(upright));
  fs::remove(folder_ / "pairs.tsv");
  const auto data = read_image_data(folder_.path(), {3, 3, 2}, 1);
  EXPECT_TRUE(data.training.pixels[0].equal(upright));
}

TEST_F(ClassFoldersTest, WhatIsMissingOrNoPictureIsNamed) {
  expect_refused("no class folders");
  fs::create_directories(folder_ / "cat");
  expect_refused("a class without pictures");
  put("cat/a.png", "garbage");
  expect_refused("cat/a.png: neither PNG nor JPEG");
  write_png(folder_ / "cat/a.png", plain_image(2, 2, 1, 1, 1));
  fs::create_directories(folder_ / "cat/inner");
  expect_refused("only picture files");
  fs::remove(folder_ / "cat/inner");
  fs::create_directories(folder_ / "train/cat");
  fs::rename(folder_ / "cat/a.png", folder_ / "train/cat/a.png");
  fs::create_directories(folder_ / "test/dog");
  expect_refused("no pictures to train on");
}

TEST_F(ImageDataTest, NoDataIsOneLine) {
  EXPECT_THAT([&] { read_image_data(folder_ / "none", {}, 1); }, says("scripts/get_data.sh"));
  put("file.txt", "x");
  EXPECT_THAT([&] { read_image_data(folder_ / "file.txt", {}, 1); }, says("neither an .npz file"));
}

TEST_F(ImageDataTest, PicturesGetTheModelsShape) {
  write_idx_folder(folder_.path(), 2, 2);
  const auto data = read_image_data(folder_.path(), {3, 8, 6}, 1);
  EXPECT_EQ(data.training.pixels.sizes(), (std::vector<int64_t>{2, 3, 8, 6}));
  EXPECT_TRUE(data.training.pixels.select(1, 0).equal(data.training.pixels.select(1, 2)));
  EXPECT_EQ(data.validation.pixels.size(3), 6);
}

std::string floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

TEST(NpyTest, ReadsTypesOrdersAndVersions) {
  EXPECT_TRUE(parse_npy(npy("|u1", "(2, 3)", "\1\2\3\4\5\6"), "a")
                  .equal(torch::tensor({1, 2, 3, 4, 5, 6}, torch::kByte).view({2, 3})));
  EXPECT_TRUE(parse_npy(npy("|u1", "(2, 3)", "\1\2\3\4\5\6", /*fortran=*/true), "a")
                  .equal(torch::tensor({1, 3, 5, 2, 4, 6}, torch::kByte).view({2, 3})));
  EXPECT_TRUE(parse_npy(npy("<f4", "(2,)", floats({0.5f, -2.0f})), "a")
                  .equal(torch::tensor({0.5f, -2.0f})));
  EXPECT_EQ(parse_npy(npy("<i2", "()", std::string("\x05\0", 2)), "a").item<int>(), 5);
}

TEST(NpyTest, WrongFilesAreRefused) {
  const auto refused = [](const std::string& bytes, const std::string& what) {
    EXPECT_THAT([&] { parse_npy(bytes, "a.npy"); }, says(what)) << what;
  };
  const std::string good = npy("<f4", "(2,)", floats({1, 2}));
  refused("", "no .npy file");
  refused("garbage garbage", "no .npy file");
  refused(good.substr(0, 30), "cut off in its header");
  refused(good.substr(0, good.size() - 1), "does not fit the 7 bytes");
  refused(npy(">f4", "(2,)", floats({1, 2})), "type '>f4' is not read");
  refused(npy("|O", "(2,)", "12345678"), "type '|O' is not read");
  refused(npy("", "(2,)", "12345678"), "is not read");
  refused(npy("<f4", "[2]", floats({1, 2})), "no tuple");
  refused(npy("<f4", "(2", floats({1, 2})), "no tuple");
  refused(npy("<f4", "(-2,)", floats({1, 2})), "no tuple");
  refused(npy("<f4", "(99999999999,)", floats({1, 2})), "larger than 2^31");
  refused(npy("<f4", "(2000000000, 2000000000, 2000000000)", ""), "does not fit");
  std::string none = good;
  none.replace(none.find("descr"), 5, "dascr");
  refused(none, "no 'descr'");
}

std::string little_endian(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

/// A ZIP with stored members, as numpy.savez makes it.
std::string zip_of(const std::vector<std::pair<std::string, std::string>>& members) {
  std::string zip, directory;
  for (const auto& [name, content] : members) {
    const std::string sizes = little_endian(crc32(content), 4) + little_endian(content.size(), 4) +
                              little_endian(content.size(), 4) + little_endian(name.size(), 2);
    directory += "PK\x01\x02" + little_endian(0, 12) + sizes + little_endian(0, 12) +
                 little_endian(zip.size(), 4) + name;
    zip += "PK\x03\x04" + little_endian(0, 10) + sizes + little_endian(0, 2) + name + content;
  }
  const size_t place = zip.size();
  zip += directory;
  return zip + "PK\x05\x06" + little_endian(0, 4) + little_endian(members.size(), 2) +
         little_endian(members.size(), 2) + little_endian(directory.size(), 4) +
         little_endian(place, 4) + little_endian(0, 2);
}

TEST(UnzipTest, ReadsStoredAndDeflatedMembers) {
  const auto stored = unzip(zip_of({{"a", "one"}, {"b/c", ""}}), "z");
  EXPECT_EQ(stored.at("a"), "one");
  EXPECT_EQ(stored.at("b/c"), "");
  // Ten times the letter a, deflated, in a directory that says so.
  std::string zip = zip_of({{"a", std::string("\x4b\x4c\x84\x01\x00", 5)}});
  const size_t entry = zip.find("PK\x01\x02");
  zip.replace(entry + 10, 2, little_endian(8, 2));
  zip.replace(entry + 16, 4, little_endian(crc32("aaaaaaaaaa"), 4));
  zip.replace(entry + 24, 4, little_endian(10, 4));
  EXPECT_EQ(unzip(zip, "z").at("a"), "aaaaaaaaaa");
  zip.replace(entry + 24, 4, little_endian(1 << 30, 4));
  EXPECT_THAT([&] { unzip(zip, "z"); }, says("z: a: damaged"));
}

TEST(UnzipTest, CutOffAndDamagedFilesAreReadOrRefused) {
  const std::string zip = zip_of({{"a", "some content"}, {"b", "more"}});
  // The last two bytes are the length of a comment, which nobody reads.
  for (size_t size = 0; size + 2 < zip.size(); ++size)
    EXPECT_THROW(unzip(zip.substr(0, size), "z"), std::runtime_error) << size;
  std::mt19937 random(3);
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = zip;
    damaged[random() % zip.size()] = static_cast<char>(random());
    try {
      unzip(damaged, "z");
    } catch (const std::runtime_error& error) {
      EXPECT_THAT(error.what(), HasSubstr("z: "));
    }
  }
  std::string other = zip;
  other.replace(other.find("some"), 4, "same");
  EXPECT_THAT([&] { unzip(other, "z"); }, says("a checksum is wrong"));
}

using NumpyTest = ImageDataTest;

TEST_F(NumpyTest, ReadsArraysOfBytesAndFloatsInEveryLayout) {
  const std::string bytes = two_classes(6);  // [6, 4, 4]
  put("a.npz", zip_of({{"x_train.npy", npy("|u1", "(6, 4, 4)", bytes)},
                       {"y_train.npy", npy("<i8", "(2, 1)", std::string(16, '\0'))},
                       {"note.txt", "no array"}}));
  EXPECT_THAT([&] { read_numpy(folder_ / "a.npz"); }, says("6 pictures, but 2 labels"));
  put("b.npz", zip_of({{"x.npy", npy("|u1", "(2, 3, 4, 4)", bytes)},
                       {"y.npy", npy("|i1", "(2, 1)", std::string("\0\1", 2))}}));
  const auto planes = read_numpy(folder_ / "b.npz");
  EXPECT_EQ(planes.training.pixels.sizes(), (std::vector<int64_t>{2, 3, 4, 4}));
  put("c/x.npy", npy("<f4", "(1, 2, 1, 3)", floats({0, 0.5f, 1, 0.2f, 0.4f, 0.6f})));
  put("c/y.npy", npy("|u1", "(1,)", "\2"));
  const auto rows = read_image_data(folder_ / "c", {3, 2, 1}, 1);
  EXPECT_TRUE(rows.training.pixels.flatten().equal(
      torch::tensor({0, 51, 128, 102, 255, 153}, torch::kByte)));
  EXPECT_THAT(rows.class_names, ElementsAre("0", "1", "2"));
}

TEST_F(NumpyTest, WrongArraysAreRefused) {
  const auto refused = [&](const std::string& x, const std::string& y, const std::string& what) {
    put("x.npy", x);
    put("y.npy", y);
    expect_refused(what);
  };
  const std::string one = npy("|u1", "(1,)", "\1"), picture = npy("|u1", "(1, 2, 2)", "abcd");
  refused(npy("|u1", "(4,)", "abcd"), one, "pictures must be [N, H, W]");
  refused(npy("|u1", "(1, 2, 2, 2)", "abcdefgh"), one, "with 1 or 3 channels");
  refused(npy("<f4", "(1, 1, 2)", floats({0, 2})), one, "floats must be in [0, 1]");
  refused(npy("<f4", "(1, 1, 2)", floats({0, NAN})), one, "floats must be in [0, 1]");
  refused(npy("<i4", "(1, 1, 1)", "abcd"), one, "must be bytes, or floats");
  refused(picture, npy("<f4", "(1,)", floats({1})), "whole numbers");
  refused(picture, npy("|i1", "(1,)", "\xff"), "a label is -1");
  refused(picture, npy("|u1", "(2,)", "\1\1"), "1 pictures, but 2 labels");
  fs::remove(folder_ / "y.npy");
  expect_refused("no array y");
}

}  // namespace
}  // namespace zoo::testing
