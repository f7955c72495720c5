#include "tokenizers/added_vocabulary.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace zoo {
namespace {

using nlohmann::json;

/// The ids that the package gave, tokenizers 0.23.3.
struct AddedVocabularyTest : testing::Test {
  const std::unique_ptr<SubwordModel> model = make_subword_model(
      {{"type", "WordLevel"}, {"vocab", {{"q", 0}, {"w", 7}, {"?", 2}}}, {"unk_token", "?"}},
      false);
  const std::unique_ptr<Normalizer> lower = make_normalizer({{"type", "Lowercase"}});
};

TEST_F(AddedVocabularyTest, NumbersCountOnFromTheModelsPiecesWhateverTheFileSays) {
  const AddedVocabulary added({{.id = 90, .text = "w"}, {.id = 91, .text = "x"}, {5, "y"}}, *model,
                              nullptr);
  EXPECT_EQ(added.id_of("w"), 7);  // the model's
  EXPECT_EQ(added.id_of("x"), 3);
  EXPECT_EQ(added.id_of("y"), 4);
  EXPECT_EQ(added.id_of("z"), std::nullopt);
  EXPECT_EQ(added.end(), 8);
  EXPECT_EQ(added.shown(5), nullptr);
}

TEST_F(AddedVocabularyTest, OfTwoEntriesTheLastCountsButOnceSpecialIsSpecial) {
  const AddedVocabulary added(
      {{.text = "x", .special = true}, {.text = ""}, {.text = "x", .special = false}, {0, "y"}},
      *model, nullptr);
  EXPECT_EQ(added.id_of("x"), 3);
  EXPECT_EQ(added.id_of("y"), 4);
  EXPECT_TRUE(added.is_special("x"));
}

// A special token is left out by the text of the file: its normalized text is another.
TEST_F(AddedVocabularyTest, ShowsNormalizedTextAndKnowsSpecialTokensByTheirOwn) {
  const AddedVocabulary added({{.text = "<S>", .normalized = true}}, *model, lower.get());
  EXPECT_EQ(*added.shown(3), "<s>");
  EXPECT_FALSE(added.is_special("<s>"));
  EXPECT_TRUE(added.is_special("<S>"));
}

TEST_F(AddedVocabularyTest, OfTwoThatBecomeOneTheFirstIsFound) {
  const AddedVocabulary added(
      {{.text = "<S>", .normalized = true}, {.text = "<s>", .normalized = true}}, *model,
      lower.get());
  const auto parts = added.normalized().split("<s>");
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].id, 3);
}

}  // namespace
}  // namespace zoo
