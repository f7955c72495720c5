#include "tokenizers/text/utf8.h"

#include <gtest/gtest.h>

namespace zoo::utf8 {
namespace {

TEST(Utf8Test, EveryCodePointComesBack) {
  for (char32_t code = 0; code <= 0x10FFFF; ++code) {
    if (code >= 0xD800 && code <= 0xDFFF) continue;
    const std::string bytes = encode(code);
    const Character c = first(bytes + "x");
    ASSERT_TRUE(c.valid && c.code == code && c.size == bytes.size()) << static_cast<uint32_t>(code);
  }
}

TEST(Utf8Test, RefusesWhatRfc3629Forbids) {
  for (const char* bytes :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE0\x9F\xBF", "\xED\xA0\x80",
        "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xC3", "\xE2\x82",
        "\xF0\x9F\x98", "\xC3(", "\xE2(\xA1"}) {
    const Character c = first(bytes);
    EXPECT_FALSE(c.valid) << bytes;
    EXPECT_EQ(c.size, 1u);
  }
}

TEST(Utf8Test, FindsTheFirstInvalidByte) {
  EXPECT_EQ(find_invalid("h\xC3\xA9llo"), std::string_view::npos);
  EXPECT_EQ(find_invalid("h\xC3\xA9\xFFllo"), 3u);
  EXPECT_EQ(find_invalid("ab\xE2\x82"), 2u);
}

TEST(Utf8Test, ReplacesEveryInvalidByteByItself) {
  EXPECT_EQ(replace_invalid("a\xFF\xFE"
                            "b"),
            "a\xEF\xBF\xBD\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(replace_invalid("\xF0\x9F\x98"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(replace_invalid("h\xC3\xA9"), "h\xC3\xA9");
}

TEST(Utf8Test, DescribesCharactersSoThatMessagesStayOnOneLine) {
  EXPECT_EQ(describe(0xE9), "'\xC3\xA9' (U+00E9)");
  EXPECT_EQ(describe('\n'), "U+000A");
  EXPECT_EQ(describe(0x2028), "U+2028");
}

}  // namespace
}  // namespace zoo::utf8
