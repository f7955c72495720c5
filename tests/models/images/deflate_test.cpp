// What zlib is asked for, with what is cut off, damaged or too much.
#include "models/images/deflate.h"

#include <gmock/gmock.h>

namespace zoo::testing {
namespace {

TEST(InflateTest, UndoesStoredAndPackedBlocksAndRefusesOthers) {
  const std::string stored(
      "\x01\x03\x00\xfc\xff"
      "abc",
      8);
  EXPECT_EQ(inflate(stored, 3), "abc");
  EXPECT_EQ(inflate(std::string("\x4b\x4c\x84\x01\x00", 5), 10), "aaaaaaaaaa");
  EXPECT_THROW(inflate(stored, 2), std::runtime_error);
  EXPECT_THROW(inflate(stored, 4), std::runtime_error);
  EXPECT_THROW(inflate("", 4), std::runtime_error);
  EXPECT_THROW(inflate("garbage", 4), std::runtime_error);
}

TEST(InflateTest, OfATextWhatThereIsCounts) {
  const std::string packed("\x78\x01\x01\x03\x00\xfc\xff\x61\x62\x63\x02\x4d\x01\x27", 14);
  EXPECT_EQ(inflate_text(packed, 10), "abc");
  EXPECT_EQ(inflate_text(packed.substr(0, 9), 10), "ab");
  EXPECT_EQ(inflate_text("", 10), "");
  EXPECT_EQ(inflate_text("garbage", 10), std::nullopt);
  EXPECT_THROW(inflate_text(packed, 2), std::runtime_error);
}

TEST(Crc32Test, IsTheStandards) { EXPECT_EQ(crc32("123456789"), 0xCBF43926u); }

}  // namespace
}  // namespace zoo::testing
