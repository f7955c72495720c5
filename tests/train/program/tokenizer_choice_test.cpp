// --tokenizer and --vocab-size: what is loaded, what is trained, and what a checkpoint brings.
#include "train/program/tokenizer_choice.h"

#include <gmock/gmock.h>

#include "base/usage_error.h"
#include "tests/support/temporary_folder.h"
#include "tokenizers/character.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

std::unique_ptr<Tokenizer> letters(const std::u32string& text) {
  return std::make_unique<CharacterTokenizer>(text, CharacterSpecials{});
}

/// How make_tokenizer() has a tokenizer trained.
TokenizerTraining trained_as(const TokenizerOptions& options) {
  TokenizerTraining seen;
  make_tokenizer(options, [&](const TokenizerTraining& training) {
    seen = training;
    return letters(U"ab");
  });
  return seen;
}

TEST(TokenizerChoiceTest, TextsWithEndsAreTrainedWithTokensForThem) {
  const auto marked = trained_as({.tokenizer = "character", .vocab_size = 50});
  EXPECT_TRUE(marked.sequence_tokens && marked.unknown && marked.specials);
  EXPECT_EQ(marked.vocab_size, 0);  // all characters
  const auto running =
      trained_as({.tokenizer = "character", .vocab_size = 50, .marks_ends = false});
  EXPECT_FALSE(running.sequence_tokens || running.unknown || running.specials);
  EXPECT_EQ(running.vocab_size, 50);
}

TEST(TokenizerChoiceTest, AFamilyMayTrainSomeKindsOnly) {
  const TokenizerOptions words{.tokenizer = "byte-bpe", .kinds = {TokenizerKind::kWordPiece}};
  EXPECT_THAT([&] { trained_as(words); },
              ThrowsMessage<UsageError>(HasSubstr("--tokenizer byte-bpe: no such folder, and no "
                                                  "kind to train here; known are: wordpiece")));
  EXPECT_THAT([] { trained_as({.tokenizer = "wordpeace"}); },
              ThrowsMessage<UsageError>(HasSubstr("byte-bpe, wordpiece")));
}

TEST(TokenizerChoiceTest, ACheckpointBringsItsTokenizer) {
  testing::TemporaryFolder folder;
  letters(U"ab")->save(folder.path());
  const auto settled = [&](const std::string& asked, const TrainCommand& command) {
    TokenizerOptions options{.tokenizer = asked};
    settle_tokenizer(options, folder.path(), command);
    return options.tokenizer;
  };
  const std::string own = folder.path().string();
  EXPECT_EQ(settled("wordpiece", {.init_from = own}), own);  // a default
  EXPECT_EQ(settled("character", {.init_from = own, .given = {"tokenizer"}}), own);
  EXPECT_EQ(settled("/", {.init_from = own, .given = {"tokenizer"}}), "/");
  EXPECT_EQ(settled("wordpiece", {.resume = own}), "wordpiece");
  EXPECT_THAT([&] { settled("wordpiece", {.init_from = own, .given = {"tokenizer"}}); },
              ThrowsMessage<UsageError>(HasSubstr("brings its own (character)")));
}

TEST(TokenizerChoiceTest, AModelMayHaveMoreIdsThanItsTokenizerButNotFewer) {
  const auto tokenizer = letters(U"abc");
  const TrainCommand tuned{.init_from = "folder"};
  EXPECT_EQ(vocabulary_for(*tokenizer, 0, {}), tokenizer->vocab_size());
  EXPECT_EQ(vocabulary_for(*tokenizer, 100, tuned), 100);
  EXPECT_THAT([&] { vocabulary_for(*tokenizer, 2, tuned); },
              ThrowsMessage<std::runtime_error>(HasSubstr("the model in 'folder' only 2")));
}

}  // namespace
}  // namespace zoo
