// Saving, loading, copying and identifying tokenizers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/tokenizers/texts.h"
#include "tokenizers/character.h"
#include "tokenizers/tokenizer.h"

namespace zoo {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

std::vector<std::unique_ptr<Tokenizer>> one_of_each_kind() {
  std::vector<std::unique_ptr<Tokenizer>> all;
  all.push_back(
      std::make_unique<CharacterTokenizer>(std::u32string(U"\0\n \"\\a\u00E9\U0001F600", 8)));
  all.push_back(std::make_unique<CharacterTokenizer>(U"ab", CharacterSpecials{.unknown = true}));
  for (const auto kind : {TokenizerKind::kSentencePieceBpe, TokenizerKind::kSentencePieceUnigram}) {
    all.push_back(testing::train_on(testing::small_text(),
                                    {.kind = kind, .vocab_size = testing::kSmallVocabulary}));
    all.push_back(
        testing::train_on(testing::small_text(), {.kind = kind, .vocab_size = 60, .lossy = true}));
  }
  return all;
}

TEST(TokenizerFolderTest, LoadedEqualsSaved) {
  for (const auto& saved : one_of_each_kind()) {
    const testing::TemporaryFolder folder;
    saved->save(folder.path());
    const auto loaded = load_tokenizer(folder.path());
    EXPECT_EQ(loaded->kind(), saved->kind());
    EXPECT_EQ(fingerprint(*loaded), fingerprint(*saved));
    for (int32_t id = 0; id < saved->vocab_size(); ++id) {
      ASSERT_EQ(loaded->piece_of(id), saved->piece_of(id));
      ASSERT_EQ(loaded->bytes_of(id), saved->bytes_of(id));
      ASSERT_EQ(loaded->id_of(saved->piece_of(id)), id);
    }
    for (const bool special : {false, true}) {
      for (const std::string text : {"aa\n\"\\", "<s>", "  "}) {
        std::vector<int32_t> expected;
        try {
          expected = saved->ids(text, {.add_special = special});
        } catch (const std::runtime_error&) {  // a character outside a small vocabulary
          EXPECT_THROW(loaded->ids(text), std::runtime_error);
          continue;
        }
        EXPECT_EQ(loaded->ids(text, {.add_special = special}), expected);
      }
    }
    const std::string first = read_file(folder / "tokenizer.json");
    loaded->save(folder.path());
    EXPECT_EQ(read_file(folder / "tokenizer.json"), first);
  }
}

TEST(TokenizerFolderTest, TransformersFindsTheRoles) {
  const testing::TemporaryFolder folder;
  testing::small_sentencepiece(TokenizerKind::kSentencePieceBpe).save(folder.path());
  const auto config = nlohmann::json::parse(read_file(folder / "tokenizer_config.json"));
  EXPECT_EQ(config["tokenizer_class"], "PreTrainedTokenizerFast");
  EXPECT_EQ(config["eos_token"], "</s>");
  EXPECT_EQ(config["pad_token"], "<pad>");
}

TEST(TokenizerFolderTest, TokenizerJsonComesBeforeTheModelFile) {
  const testing::TemporaryFolder folder;
  testing::small_sentencepiece(TokenizerKind::kSentencePieceBpe).save(folder.path());
  EXPECT_EQ(load_tokenizer(folder.path())->ids("<s>").size(), 1u);
  std::filesystem::remove(folder / "tokenizer.json");
  EXPECT_EQ(load_tokenizer(folder.path())->ids("<s>").size(), 1u);  // as the config's class has it
  std::filesystem::remove(folder / "tokenizer_config.json");        // the model alone: raw ids
  EXPECT_GT(load_tokenizer(folder.path())->ids("<s>").size(), 1u);
  std::filesystem::rename(folder / "tokenizer.model", folder / "spiece.model");
  EXPECT_EQ(load_tokenizer(folder.path())->kind(), "sentencepiece-bpe");
}

TEST(FingerprintTest, DiffersWhereIdsWouldDiffer) {
  const CharacterTokenizer ab(U"ab"), ba(U"ba"), abc(U"abc"), unknown(U"ab", {.unknown = true});
  EXPECT_EQ(fingerprint(ab), fingerprint(CharacterTokenizer(U"ab")));
  EXPECT_NE(fingerprint(ab), fingerprint(ba));
  EXPECT_NE(fingerprint(ab), fingerprint(abc));
  EXPECT_NE(fingerprint(ab), fingerprint(unknown));
  EXPECT_NE(fingerprint(testing::small_sentencepiece(TokenizerKind::kSentencePieceBpe)),
            fingerprint(testing::small_sentencepiece(TokenizerKind::kSentencePieceUnigram)));
}

TEST(FingerprintTest, StaysTheSameFromVersionToVersion) {
  // Recorded in token streams and checkpoints: a change here makes them all unreadable.
  EXPECT_EQ(fingerprint(CharacterTokenizer(U"ab")), 9211781180258380190u);
}

}  // namespace
}  // namespace zoo
