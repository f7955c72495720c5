// The recipe reader: what it accepts, and that it refuses the rest with its line number.
#include "app/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/option_values.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string error_of(std::string_view text) {
  try {
    parse_recipe(text);
  } catch (const CLI::ConfigError& error) {
    return error.what();
  }
  return "no error";
}

std::string value_of(std::string_view text) { return parse_recipe(text).at(0).values.at(0); }

TEST(RecipeTest, ReadsStringsNumbersAndBooleans) {
  const auto entries = parse_recipe("lr = -1e-3\nname = \"two words\"  # why\n\n tied=true\r\n");
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].key, "lr");
  EXPECT_THAT(entries[0].values, ElementsAre("-1e-3"));
  EXPECT_THAT(entries[1].values, ElementsAre("two words"));
  EXPECT_EQ(entries[2].key, "tied");
  EXPECT_THAT(entries[2].values, ElementsAre("true"));
  EXPECT_EQ(entries[2].line, 4);
}

TEST(RecipeTest, HashInsideQuotesIsText) {
  EXPECT_EQ(value_of("prompt = \"# not a comment\" # a comment"), "# not a comment");
  EXPECT_EQ(value_of("prompt = 'a#b'"), "a#b");
}

TEST(RecipeTest, EscapesFollowToml) {
  EXPECT_EQ(value_of(R"(a = "tab\t quote\" slash\\ line\n \u00e9 \U0001F600")"),
            "tab\t quote\" slash\\ line\n \xC3\xA9 \xF0\x9F\x98\x80");
  EXPECT_EQ(value_of(R"(a = 'C:\new')"), R"(C:\new)");
  EXPECT_THAT(error_of("a = \"C:\\data\""), HasSubstr("line 1: unknown escape"));
  EXPECT_THAT(error_of("a = \"\\ud800\""), HasSubstr("hexadecimal digits of a character"));
  EXPECT_THAT(error_of("a = \"\\u12"), HasSubstr("hexadecimal digits of a character"));
}

TEST(RecipeTest, ArraysMaySpanLinesAndEndInAComma) {
  const auto entries =
      parse_recipe("files = [\n  \"a, b\", # first\n  'c',\n]\nn = [ ]\nk = [1,2]");
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_THAT(entries[0].values, ElementsAre("a, b", "c"));
  EXPECT_TRUE(entries[1].values.empty());
  EXPECT_TRUE(entries[1].is_array);
  EXPECT_THAT(entries[2].values, ElementsAre("1", "2"));
}

TEST(RecipeTest, UnderscoresInNumbersAreForTheEye) { EXPECT_EQ(value_of("n = 1_000"), "1000"); }

TEST(RecipeTest, AnEmptyFileAndAByteOrderMarkAreFine) {
  EXPECT_TRUE(parse_recipe("").empty());
  EXPECT_TRUE(parse_recipe("# only a comment").empty());
  EXPECT_EQ(parse_recipe("\xEF\xBB\xBFkey = 1").at(0).key, "key");
}

TEST(RecipeTest, EveryMalformedLineIsNamedByNumber) {
  EXPECT_THAT(error_of("a = 1\n[model]\n"), HasSubstr("line 2: tables are not supported"));
  EXPECT_THAT(error_of("a = 1\n\nb 2"), HasSubstr("line 3: expected '=' after 'b'"));
  EXPECT_THAT(error_of("a = "), HasSubstr("line 1: a value is missing"));
  EXPECT_THAT(error_of("= 3"), HasSubstr("expected 'key = value'"));
  EXPECT_THAT(error_of("a = \"open\nb = 1"), HasSubstr("line 1: a string is not closed"));
  EXPECT_THAT(error_of("a = [1, 2"), HasSubstr("expected ',' or ']'"));
  EXPECT_THAT(error_of("a = 1 2"), HasSubstr("text after the value of 'a'"));
  EXPECT_THAT(error_of("norm = rms"), HasSubstr("'rms' is neither a number"));
  EXPECT_THAT(error_of("lr = 1e-3x"), HasSubstr("text goes in quotes"));
  EXPECT_THAT(error_of("a = 1\na = 2"), HasSubstr("line 2: 'a' is set twice"));
}

TEST(RecipeTest, QuotedTextReadsBackWhateverItsBytes) {
  std::mt19937 random(7);
  for (int round = 0; round < 500; ++round) {
    std::string text;
    for (size_t n = random() % 20; n > 0; --n) text += static_cast<char>(random() % 256);
    EXPECT_EQ(value_of("a = " + quote_text(text)), text);
  }
}

TEST(RecipeTest, RandomTextIsReadOrRefusedButNeverCrashes) {
  static constexpr std::string_view kLetters = "ab=\"'[]#,\\\n 1.-tu_\r";
  std::mt19937 random(11);
  int refused = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (size_t n = random() % 24; n > 0; --n) text += kLetters[random() % kLetters.size()];
    try {
      for (const RecipeEntry& entry : parse_recipe(text)) EXPECT_GE(entry.line, 1);
    } catch (const CLI::ConfigError& error) {
      EXPECT_THAT(error.what(), HasSubstr("line "));
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace zoo
