#include "infer/generation/language_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "models/pretrained/gpt/gpt_checkpoint.h"
#include "tests/infer/tiny_models.h"
#include "tests/support/temporary_folder.h"
#include "tokenizers/character.h"

namespace zoo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string load_error(const ModelChoice& choice) {
  try {
    load_language_model(choice);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "accepted";
}

/// A checkpoint of 29 ids and a tokenizer of `characters`.
void write_checkpoint(const std::filesystem::path& folder, const std::u32string& characters) {
  save_gpt(testing::tiny_gpt(testing::tiny_options()), folder);
  CharacterTokenizer(characters).save(folder);
}

TEST(LanguageModelTest, LoadsModelAndTokenizerAndTheKernelThatIsAskedFor) {
  const testing::TemporaryFolder folder;
  write_checkpoint(folder.path(), U"abc\n");
  auto loaded =
      load_language_model({.folder = folder.path(), .device = "cpu", .attention = "matmul"});
  EXPECT_EQ(loaded.tokenizer->vocab_size(), 4);
  EXPECT_FALSE(loaded.model->is_training());
  for (const auto& block : *loaded.model->blocks) {
    EXPECT_EQ(block->as<BlockImpl>()->attention->options.kernel, "matmul");
  }
}

TEST(LanguageModelTest, TheKernelThatIsAskedForReplacesOneThatDoesNotExist) {
  const testing::TemporaryFolder folder;
  write_checkpoint(folder.path(), U"abc\n");
  std::string config = read_file(folder / "config.json");
  const std::string used = "\"attention\": \"torch\"";
  ASSERT_NE(config.find(used), std::string::npos);
  config.replace(config.find(used), used.size(), "\"attention\": \"flash9\"");
  write_file(folder / "config.json", config);
  EXPECT_THAT(load_error({.folder = folder.path(), .device = "cpu"}), HasSubstr("flash9"));
  EXPECT_EQ(load_error({.folder = folder.path(), .device = "cpu", .attention = "torch"}),
            "accepted");
}

TEST(LanguageModelTest, SaysInOneLineWhatIsWrongWithAFolder) {
  const testing::TemporaryFolder folder;
  const std::string missing = (folder / "none").string();
  EXPECT_THAT(load_error({.folder = missing}), HasSubstr("there is no folder '" + missing + "'"));
  write_file(folder / "file", "x");
  EXPECT_THAT(load_error({.folder = folder / "file"}), HasSubstr("is a file"));
  EXPECT_THAT(load_error({.folder = folder.path()}), HasSubstr("config.json"));

  write_checkpoint(folder.path(), U"abc");
  EXPECT_THAT(load_error({.folder = folder.path(), .device = "cpu", .attention = "fast"}),
              HasSubstr("--attention: unknown kernel 'fast'; known are: loops, matmul"));
  std::filesystem::remove(folder / "model.safetensors");
  EXPECT_THAT(load_error({.folder = folder.path()}), HasSubstr("model.safetensors"));
}

TEST(LanguageModelTest, EndsAreThoseOfOneFileAndNotTheTokenizers) {
  const testing::TemporaryFolder folder;
  write_checkpoint(folder.path(), U"abc\n");
  const auto ends = [&] {
    return load_language_model({.folder = folder.path(), .device = "cpu"}).eos_ids;
  };
  EXPECT_THAT(ends(), IsEmpty());
  write_file(folder / "generation_config.json", R"({"eos_token_id": [3, 1]})");
  EXPECT_THAT(ends(), ElementsAre(3, 1));
}

TEST(LanguageModelTest, TheTemplateAndTheFoldersBeginningStandAroundPrompts) {
  const CharacterTokenizer tokenizer(U"a\nb");
  EXPECT_THAT(encode_prompt(tokenizer, "", true, 2), ElementsAre(2));
}

TEST(LanguageModelTest, ATokenizerMayHaveMoreTokensThanTheModelHasRows) {
  const testing::TemporaryFolder folder;
  write_checkpoint(folder.path(), U"abcdefghijklmnopqrstuvwxyzABCDEFG");
  EXPECT_EQ(load_error({.folder = folder.path()}), "accepted");
}

TEST(LanguageModelTest, AnEmptyPromptStartsFromALineFeedWhereNoTokenBeginsAText) {
  EXPECT_THAT(encode_prompt(CharacterTokenizer(U"a\nb"), ""), ElementsAre(1));
  EXPECT_THAT(encode_prompt(CharacterTokenizer(U"a\nb"), "ba"), ElementsAre(2, 0));
  EXPECT_THAT([] { encode_prompt(CharacterTokenizer(U"ab"), ""); },
              ::testing::ThrowsMessage<std::runtime_error>(HasSubstr("give a prompt")));
}

TEST(LanguageModelTest, RefusesCharactersOutsideTheVocabulary) {
  EXPECT_THAT([] { encode_prompt(CharacterTokenizer(U"ab"), "aé"); },
              ::testing::ThrowsMessage<std::runtime_error>(HasSubstr("'é' (U+00E9)")));
  const CharacterTokenizer with_unknown(U"ab", {.unknown = true});
  EXPECT_THAT([&] { encode_prompt(with_unknown, "aéb"); },
              ::testing::ThrowsMessage<std::runtime_error>(
                  HasSubstr("'é' at byte 1 is not in the model's vocabulary")));
  EXPECT_THAT(encode_prompt(with_unknown, "a<unk>b"), ElementsAre(0, 2, 1));
}

}  // namespace
}  // namespace zoo
