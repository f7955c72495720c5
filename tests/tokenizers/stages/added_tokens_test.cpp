#include "tokenizers/stages/added_ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace zoo {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> shown(const AddedTokens& tokens, std::string_view text) {
  std::vector<std::string> out;
  for (const auto& part : tokens.split(text)) {
    EXPECT_EQ(part.text, text.substr(part.begin, part.text.size()));
    out.push_back((part.id ? std::to_string(*part.id) + ":" : "") + std::string(part.text));
  }
  return out;
}

TEST(AddedTokensTest, SplitsTheTextAtEachToken) {
  const AddedTokens tokens({{1, "<s>"}, {2, "</s>"}});
  EXPECT_THAT(shown(tokens, "<s>a b</s>"), ElementsAre("1:<s>", "a b", "2:</s>"));
  EXPECT_THAT(shown(tokens, "x<s<s>>"), ElementsAre("x<s", "1:<s>", ">"));
  EXPECT_THAT(shown(tokens, "<s><s>"), ElementsAre("1:<s>", "1:<s>"));
  EXPECT_THAT(shown(tokens, ""), ElementsAre());
}

TEST(AddedTokensTest, TakesTheLongestOfThoseThatBeginTogether) {
  const AddedTokens tokens({{1, "<a"}, {2, "<ab>"}, {3, "b>c"}});
  EXPECT_THAT(shown(tokens, "<ab>c"), ElementsAre("2:<ab>", "c"));
  EXPECT_THAT(shown(tokens, "<abc"), ElementsAre("1:<a", "bc"));
}

TEST(AddedTokensTest, RefusesEmptyAndRepeatedTokens) {
  EXPECT_THROW(AddedTokens({{1, ""}}), std::invalid_argument);
  EXPECT_THROW(AddedTokens({{1, "<s>"}, {2, "<s>"}}), std::invalid_argument);
}

// As the package does it: the whitespace that a token takes along is looked at once more.
TEST(AddedTokensTest, ATokenMayBeginInTheWhitespaceThatTheOneBeforeTook) {
  AddedTokens tokens({{.id = 1, .text = "<m>", .rstrip = true}, {.id = 2, .text = " <s>"}});
  std::vector<int32_t> ids;
  for (const AddedTokens::Part& part : tokens.split("<m>  <s>"))
    ids.push_back(part.id.value_or(-1));
  EXPECT_EQ(ids, (std::vector<int32_t>{1, 2}));
  tokens = AddedTokens({{.id = 1, .text = " ", .lstrip = true, .rstrip = true}});
  EXPECT_EQ(tokens.split("a   b").size(), 3u);
}

TEST(AddedIdsTest, TokensKeepTheModelsIdsOrFollowThem) {
  AddedIds added(
      [](std::string_view text) { return text == "b" ? std::optional(1) : std::nullopt; }, 2);
  added.add({.id = 70, .text = "x", .special = false});
  added.add({.id = 71, .text = "b", .special = true});
  added.add({.text = "y", .special = false});
  added.add({.text = "x", .special = false, .lstrip = true});  // the last flags count
  added.add({.text = "b", .special = false});                  // special stays special
  added.add({.text = ""});
  const std::vector<AddedToken> tokens = added.tokens();
  ASSERT_EQ(tokens.size(), 3u);
  EXPECT_EQ(tokens[0].text, "b");
  EXPECT_EQ(tokens[0].id, 1);
  EXPECT_TRUE(tokens[0].special);
  EXPECT_EQ(tokens[1].text, "x");
  EXPECT_EQ(tokens[1].id, 2);
  EXPECT_TRUE(tokens[1].lstrip);
  EXPECT_EQ(tokens[2].id, 3);
}

}  // namespace
}  // namespace zoo
