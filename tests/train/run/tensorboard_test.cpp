// Event files byte by byte: checksums with known answers, and a small protobuf reader of our own.
#include "train/run/tensorboard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <map>

#include "base/crc32c.h"
#include "tests/support/temporary_folder.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;

template <class T>
T number_at(std::string_view bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.substr(at, sizeof value).data(), sizeof value);
  return value;
}

uint32_t masked(std::string_view bytes) {
  const uint32_t crc = crc32c(bytes);
  return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}

/// The payloads of a file of records; fails where a checksum is wrong.
std::vector<std::string> records_of(std::string_view bytes) {
  std::vector<std::string> records;
  while (!bytes.empty()) {
    const auto length = number_at<uint64_t>(bytes, 0);
    EXPECT_EQ(number_at<uint32_t>(bytes, 8), masked(bytes.substr(0, 8)));
    records.emplace_back(bytes.substr(12, length));
    EXPECT_EQ(number_at<uint32_t>(bytes, 12 + length), masked(records.back()));
    bytes.remove_prefix(16 + length);
  }
  return records;
}

/// Fields of one message: number to raw value (varints as 8 bytes).
using Message = std::map<uint64_t, std::string>;

uint64_t take_varint(std::string_view& bytes) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes.at(0));
    bytes.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
}

Message parse(std::string_view bytes) {
  Message message;
  while (!bytes.empty()) {
    const uint64_t key = take_varint(bytes);
    size_t length = key % 8 == 1 ? 8 : 4;
    if (key % 8 == 0) {
      const uint64_t value = take_varint(bytes);
      message[key / 8] = std::string(reinterpret_cast<const char*>(&value), sizeof value);
      continue;
    }
    if (key % 8 == 2) length = take_varint(bytes);
    message[key / 8] = bytes.substr(0, length);
    bytes.remove_prefix(length);
  }
  return message;
}

struct TensorBoardTest : ::testing::Test {
  testing::TemporaryFolder folder;
  std::vector<Message> events(const TensorBoardWriter& writer) const {
    std::vector<Message> list;
    for (const std::string& record : records_of(read_file(writer.path()))) {
      list.push_back(parse(record));
    }
    return list;
  }
};

TEST(Crc32cTest, GivesThePublishedAnswers) {
  EXPECT_EQ(crc32c(""), 0u);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  // RFC 3720, appendix B.4.
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43u);
  std::string ascending;
  for (char c = 0; c < 32; ++c) ascending += c;
  EXPECT_EQ(crc32c(ascending), 0x46DD794Eu);
}

TEST(Crc32cTest, GoesOnWhereItEnded) {
  const std::string text = "The quick brown fox jumps over the lazy dog";
  for (size_t cut = 0; cut <= text.size(); ++cut)
    EXPECT_EQ(crc32c(text.substr(cut), crc32c(text.substr(0, cut))), crc32c(text)) << cut;
}

TEST_F(TensorBoardTest, AFileStartsWithItsVersion) {
  const TensorBoardWriter writer(folder / "new/folder");
  const auto list = events(writer);
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].at(3), "brain.Event:2");
  EXPECT_GT(number_at<double>(list[0].at(1), 0), 1.6e9);
  EXPECT_THAT(writer.path().filename().string(), ::testing::StartsWith("events.out.tfevents."));
}

TEST_F(TensorBoardTest, ScalarsCarryTagStepTimeAndValue) {
  TensorBoardWriter writer(folder.path());
  writer.scalar("loss/train", 2.25, 300, 1700000000.5);
  writer.scalar("loss/train", NAN, -1);
  const auto list = events(writer);
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(number_at<double>(list[1].at(1), 0), 1700000000.5);
  EXPECT_EQ(number_at<int64_t>(list[1].at(2), 0), 300);
  const Message value = parse(parse(list[1].at(5)).at(1));
  EXPECT_EQ(value.at(1), "loss/train");
  EXPECT_EQ(number_at<float>(value.at(2), 0), 2.25f);
  EXPECT_EQ(number_at<int64_t>(list[2].at(2), 0), -1);
  EXPECT_TRUE(std::isnan(number_at<float>(parse(parse(list[2].at(5)).at(1)).at(2), 0)));
}

TEST_F(TensorBoardTest, TextIsATensorOfOneStringForTheTextPlugin) {
  TensorBoardWriter writer(folder.path());
  const std::string markdown(300, 'x');
  writer.text("samples", markdown + "\xFF", 5);
  const Message value = parse(parse(events(writer).at(1).at(5)).at(1));
  EXPECT_EQ(value.at(1), "samples");
  const Message tensor = parse(value.at(8));
  EXPECT_EQ(number_at<int64_t>(tensor.at(1), 0), 7) << "DT_STRING";
  EXPECT_EQ(number_at<int64_t>(parse(parse(tensor.at(2)).at(2)).at(1), 0), 1) << "shape [1]";
  EXPECT_EQ(tensor.at(8), markdown + "\xEF\xBF\xBD") << "bytes that are no UTF-8 are replaced";
  EXPECT_EQ(parse(parse(value.at(9)).at(1)).at(1), "text");
}

TEST_F(TensorBoardTest, AResumeStartsANewFileThatDisownsLaterSteps) {
  TensorBoardWriter first(folder.path());
  first.scalar("loss", 1, 150);
  const TensorBoardWriter second(folder.path(), 100);
  EXPECT_LT(first.path(), second.path());
  const auto list = events(second);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(number_at<int64_t>(list[1].at(2), 0), 101);
  EXPECT_EQ(number_at<int64_t>(parse(list[1].at(7)).at(1), 0), 1) << "SessionLog.START";
  EXPECT_EQ(events(first).size(), 2u);
}

TEST_F(TensorBoardTest, AFolderThatCannotBeMadeIsNamed) {
  write_file(folder / "file", "");
  try {
    TensorBoardWriter writer(folder / "file/events");
    FAIL() << "made";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("file/events: Not a directory"));
  }
}

}  // namespace
}  // namespace zoo
