#include "infer/translation/languages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tokenizers/character.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(LanguagesTest, ATemplateWithoutACodeIsRefused) {
  const CharacterTokenizer tokenizer(U"abc", {.sequence = true});  // </s> 5
  PairFormat format{.source = PostTemplate({}, {5}), .start = 3, .ends = {5}, .pad = 3};
  DecodeOptions options;
  EXPECT_THAT([&] { set_languages({.to = "de_DE"}, tokenizer, tokenizer, format, options); },
              ThrowsMessage<std::runtime_error>(HasSubstr("such as mBART's; this one's does not")));
  set_languages({}, tokenizer, tokenizer, format, options);
  EXPECT_EQ(format.start, 3);
  EXPECT_FALSE(options.processors.forced_bos_token_id);
}

}  // namespace
}  // namespace zoo
