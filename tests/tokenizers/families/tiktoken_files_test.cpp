#include "tokenizers/families/tiktoken_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/tokenizers/texts.h"
#include "tokenizers/pipeline.h"
#include "tokenizers/tokenizer.h"

namespace zoo {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// All bytes, then "ab" and " ab", in the format's lines.
std::string small_ranks() {
  static const std::string ranks = [] {
    const auto trained = testing::train_on(
        "ab ab ab", {.kind = TokenizerKind::kByteBpe, .vocab_size = 258, .special_tokens = {""}});
    const testing::TemporaryFolder folder;
    trained->save(folder.path());
    return tiktoken_ranks(json::parse(read_file(folder / "tokenizer.json")));
  }();
  return ranks;
}

std::string tiktoken_refusal(const std::string& ranks, const char* encoding = "gpt2") {
  try {
    tiktoken_document(ranks, encoding);
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
    return error.what();
  }
  return "accepted";
}

// Made by tests/golden/byte_bpe.py.
TEST(TiktokenFilesTest, TheDocumentIsThatWhichThePackageWritesOfTheSameParts) {
  const json golden = json::parse(read_file("tests/golden/byte_bpe/families.json"))["cl100k_base"];
  const std::string ranks = golden["ranks"];
  EXPECT_EQ(json(tiktoken_document(ranks, "cl100k_base")), golden["document"]);
}

TEST(TiktokenFilesTest, FoldersWithOneSuchFileLoad) {
  const testing::TemporaryFolder folder, saved;
  write_file(folder / "r50k_base.tiktoken", small_ranks());
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->kind(), "byte-bpe");
  EXPECT_EQ(tokenizer->vocab_size(), 50257);
  EXPECT_EQ(tokenizer->eos_id(), 50256);
  const auto ids = tokenizer->ids("ab ab<|endoftext|>");
  EXPECT_THAT(ids, ElementsAre(256, 257, 50256));
  EXPECT_EQ(tokenizer->decode(ids), "ab ab<|endoftext|>");
  tokenizer->save(saved.path());
  EXPECT_EQ(fingerprint(*load_tokenizer(saved.path())), fingerprint(*tokenizer));
}

TEST(TiktokenFilesTest, Llama3CallsItTokenizerModel) {
  const testing::TemporaryFolder folder;
  write_file(folder / "tokenizer.model", small_ranks());
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->vocab_size(), 258 + 256);
  EXPECT_EQ(tokenizer->bos_id(), 258);
  EXPECT_EQ(tokenizer->eos_id(), 259);
  EXPECT_EQ(tokenizer->id_of("<|reserved_special_token_1|>"), 258 + 3);
  EXPECT_EQ(tokenizer->id_of("<|reserved_special_token_2|>"), 258 + 5);
  EXPECT_EQ(tokenizer->id_of("<|eot_id|>"), 258 + 9);
  EXPECT_EQ(tokenizer->id_of("<|reserved_special_token_247|>"), 258 + 255);
  EXPECT_THAT(tokenizer->ids("ab", {.add_special = true}), ElementsAre(258, 256));
  EXPECT_THAT(encode_pair(*tokenizer, "ab", "ab", {.add_special = true}).ids,
              ElementsAre(258, 256, 258, 256));
}

TEST(TiktokenFilesTest, TheNameOfTheFileMustTellTheEncoding) {
  const testing::TemporaryFolder folder;
  const auto complaint = [&]() -> std::string {
    try {
      load_tokenizer(folder.path());
    } catch (const std::runtime_error& error) {
      EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
      return error.what();
    }
    return "loaded";
  };
  write_file(folder / "mine.tiktoken", small_ranks());
  EXPECT_THAT(
      complaint(),
      AllOf(HasSubstr("mine.tiktoken: the name of the file must tell"),
            HasSubstr("one of gpt2, r50k_base, p50k_base, cl100k_base, o200k_base, llama3")));
  write_file(folder / "gpt2.tiktoken", small_ranks());
  EXPECT_THAT(complaint(), HasSubstr("one .tiktoken file; found gpt2.tiktoken, mine.tiktoken"));
  std::filesystem::remove(folder / "mine.tiktoken");
  EXPECT_EQ(complaint(), "loaded");
}

TEST(TiktokenFilesTest, OnlyItsOwnLinesAreTakenForTheFormat) {
  EXPECT_TRUE(is_tiktoken("IQ== 0\nIg== 1\n"));
  EXPECT_TRUE(is_tiktoken("IQ== 0\r\n"));
  for (const char* other : {"", "\n", " 0\n", "IQ==\n", "IQ== x\n", "I 0\n", "\nIQ== 0\n",
                            "just some text\n", "\x0A\x0E\x0A\x05<unk>"}) {
    EXPECT_FALSE(is_tiktoken(other)) << other;
  }
}

TEST(TiktokenFilesTest, RanksComeBackAndKeepTheIds) {
  const auto trained = testing::train_on(
      testing::small_text(),
      {.kind = TokenizerKind::kByteBpe, .vocab_size = 600, .special_tokens = {""}});
  const testing::TemporaryFolder folder;
  trained->save(folder.path());
  const std::string ranks = tiktoken_ranks(json::parse(read_file(folder / "tokenizer.json")));
  const PipelineTokenizer read(tiktoken_document(ranks, "gpt2").dump());
  std::mt19937 random(5);
  for (int i = 0; i < 300; ++i) {
    const std::string text = i % 2 == 0 ? testing::random_unicode(random)
                                        : testing::small_text().substr(random() % 30000, 200);
    EXPECT_EQ(read.ids(text, {.recognise_added = false}), trained->ids(text)) << text;
  }
}

TEST(TiktokenFilesTest, DamagedFilesAreRefusedWithTheirLine) {
  const std::string good = small_ranks();
  EXPECT_EQ(tiktoken_refusal(good), "accepted");
  EXPECT_THAT(tiktoken_refusal(""), HasSubstr("the file is empty"));
  EXPECT_THAT(tiktoken_refusal("\n\n"), HasSubstr("the file is empty"));
  EXPECT_THAT(tiktoken_refusal(good + "a=b 300\n"),
              HasSubstr("line 259: expected a piece in Base64"));
  EXPECT_THAT(tiktoken_refusal(good + "YWJj\n"), HasSubstr("line 259"));
  EXPECT_THAT(tiktoken_refusal(good + "YWJj -1\n"), HasSubstr("the rank must be a number"));
  EXPECT_THAT(tiktoken_refusal(good + "YWJj 99999999\n"), HasSubstr("the rank must be a number"));
  EXPECT_THAT(tiktoken_refusal(good + "YWJj 3x\n"), HasSubstr("the rank must be a number"));
  EXPECT_THAT(tiktoken_refusal(good + " 300\n"), HasSubstr("1 to 1024 bytes"));
  EXPECT_THAT(tiktoken_refusal(good + "YWJj 3\n"), HasSubstr("two pieces have the rank 3"));
  EXPECT_THAT(tiktoken_refusal(good + "YWI= 300\n"),
              HasSubstr("one piece has the ranks 256 and 300"));
  EXPECT_THAT(tiktoken_refusal("IQ== 0\n"), HasSubstr("no piece is the byte 0x00"));
  EXPECT_THAT(tiktoken_refusal(good.substr(0, good.size() / 2)), Not("accepted"));
  EXPECT_THAT(tiktoken_refusal(good + "YWJj 50256\n"),
              HasSubstr("is it the file of another encoding?"));
  EXPECT_THAT(tiktoken_refusal(good, "gpt5"), HasSubstr("known: gpt2, r50k_base"));
}

TEST(TiktokenFilesTest, RanksAreWrittenOnlyOfWhatTheyCanHold) {
  const auto complaint = [](json model, const char* key, const json& value) -> std::string {
    model[key] = value;
    try {
      tiktoken_ranks({{"model", model}});
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "written";
  };
  const json whole = tiktoken_document(small_ranks(), "gpt2");
  json model = whole["model"];
  model["vocab"].erase("<|endoftext|>");
  EXPECT_EQ(complaint(model, "dropout", nullptr), "written");
  EXPECT_THAT(complaint(model, "type", "Unigram"), HasSubstr("byte-level BPE"));
  EXPECT_THAT(complaint(model, "end_of_word_suffix", "</w>"), HasSubstr("byte-level BPE"));
  json vocab = model["vocab"];
  vocab["一"] = 300;
  EXPECT_THAT(complaint(model, "vocab", vocab), HasSubstr("not written in the byte alphabet"));
  vocab = model["vocab"];
  vocab.erase("!");
  EXPECT_THAT(complaint(model, "vocab", vocab), HasSubstr("all 256 bytes must be pieces, 255 are"));
  vocab = model["vocab"];
  std::swap(vocab["ab"], vocab["Ġab"]);
  EXPECT_THAT(complaint(model, "vocab", vocab), HasSubstr("in the order of the merges"));
}

}  // namespace
}  // namespace zoo
