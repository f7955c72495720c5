#include "tokenizers/stages/byte_alphabet.h"

#include <gtest/gtest.h>

#include <set>

namespace zoo {
namespace {

TEST(ByteAlphabetTest, PrintableLatinStandsForItself) {
  EXPECT_EQ(byte_character('A'), "A");
  EXPECT_EQ(byte_character('~'), "~");
  EXPECT_EQ(byte_character(0xE9), "é");
  EXPECT_EQ(byte_character(' '), "Ġ");
  EXPECT_EQ(byte_character('\n'), "Ċ");
  EXPECT_EQ(byte_character(0), "Ā");
  EXPECT_EQ(byte_character(0xAD), "Ń");  // the soft hyphen is the last of the others
}

TEST(ByteAlphabetTest, EveryByteComesBack) {
  std::string all;
  std::set<std::string_view> characters;
  for (int byte = 0; byte < 256; ++byte) {
    all += static_cast<char>(byte);
    characters.insert(byte_character(static_cast<uint8_t>(byte)));
  }
  EXPECT_EQ(characters.size(), 256u);
  EXPECT_EQ(from_byte_alphabet(to_byte_alphabet(all)), all);
  EXPECT_EQ(to_byte_alphabet(" naïve"), "ĠnaÃ¯ve");
}

TEST(ByteAlphabetTest, OtherCharactersAreNotPartOfIt) {
  for (const char* text : {" ", "a b", "\u0144", "日", "\xFF", "a\xC4", "\u00AD", "\uFFFF"}) {
    EXPECT_EQ(from_byte_alphabet(text), std::nullopt) << text;
  }
  EXPECT_EQ(from_byte_alphabet(""), "");
}

}  // namespace
}  // namespace zoo
