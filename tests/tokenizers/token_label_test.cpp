#include "tokenizers/token_label.h"

#include <gtest/gtest.h>

#include "tokenizers/character.h"

namespace zoo {
namespace {

TEST(TokenLabelTest, ShowsSpacesAndLineEnds) {
  const CharacterTokenizer tokenizer(U" \nax");
  EXPECT_EQ(token_label(tokenizer, 0), "␣");
  EXPECT_EQ(token_label(tokenizer, 1), "⏎");
  EXPECT_EQ(token_label(tokenizer, 2), "a");
}

}  // namespace
}  // namespace zoo
