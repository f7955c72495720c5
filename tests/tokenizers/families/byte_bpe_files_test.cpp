#include "tokenizers/families/byte_bpe_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/tokenizers/texts.h"
#include "tokenizers/auto/auto_document.h"
#include "tokenizers/tokenizer.h"

namespace zoo {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kVocab =
    R"({"a": 0, "b": 1, "#": 2, "ab": 3, "##": 4, "Ġ": 5, "Ġab": 6, "<|endoftext|>": 7})";
constexpr std::string_view kMerges = "#version: 0.2\na b\n# #\nĠ ab\n";

json byte_bpe_document(std::string_view vocab, std::string_view merges) {
  SourceVocabulary source = vocabulary_of_merges(vocab, merges);
  const std::string_view name = byte_bpe_class(source.vocab);
  return json::parse(class_document(name, {}, std::move(source)).tokenizer_json);
}

std::string byte_bpe_refusal(std::string_view vocab, std::string_view merges) {
  try {
    byte_bpe_document(vocab, merges);
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
    return error.what();
  }
  return "accepted";
}

// Made by tests/golden/byte_bpe.py.
TEST(ByteBpeFilesTest, DocumentsAreThoseThatTheReferencesClassesMake) {
  const json golden = json::parse(read_file("tests/golden/byte_bpe/families.json"));
  for (const char* family : {"gpt2", "roberta", "clip"}) {
    const json& files = golden.at(family);
    EXPECT_EQ(byte_bpe_document(files["vocab"].dump(), files["merges"].get<std::string>()),
              files["document"])
        << family;
  }
}

TEST(ByteBpeFilesTest, LinesMayEndAsInOtherSystemsAndBeginWithASharp) {
  const json made = byte_bpe_document(kVocab, kMerges);
  EXPECT_EQ(made["model"]["merges"], json::parse(R"([["a", "b"], ["#", "#"], ["Ġ", "ab"]])"));
  EXPECT_EQ(byte_bpe_document(kVocab, "a b\n# #\nĠ ab"), made);
  EXPECT_EQ(byte_bpe_document(kVocab, "#version: 0.2\r\na b\r\n# #\r\nĠ ab\r\n\r\n"), made);
}

TEST(ByteBpeFilesTest, FoldersAreReadAndWrittenUnchanged) {
  const testing::TemporaryFolder folder, saved;
  write_file(folder / "vocab.json", kVocab);
  write_file(folder / "merges.txt", kMerges);
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->kind(), "byte-bpe");
  EXPECT_THAT(tokenizer->ids("ab ab##<|endoftext|>"), ElementsAre(3, 6, 4, 7));
  tokenizer->save(saved.path());
  EXPECT_EQ(json::parse(read_file(saved / "vocab.json")), json::parse(kVocab));
  EXPECT_EQ(read_file(saved / "merges.txt"), kMerges);
  EXPECT_EQ(fingerprint(*load_tokenizer(saved.path())), fingerprint(*tokenizer));
  std::filesystem::remove(saved / "tokenizer.json");
  EXPECT_EQ(fingerprint(*load_tokenizer(saved.path())), fingerprint(*tokenizer));
}

TEST(ByteBpeFilesTest, DamagedFilesAreRefusedInOneLine) {
  EXPECT_THAT(byte_bpe_refusal("{", ""), HasSubstr("vocab.json: not valid JSON"));
  EXPECT_THAT(byte_bpe_refusal("[1]", ""), HasSubstr("vocab.json: 'vocab' must be an object"));
  EXPECT_THAT(byte_bpe_refusal(R"({"a": 0, "b": 0})", ""), HasSubstr("have one id, 0"));
  EXPECT_THAT(byte_bpe_refusal(R"({"a": "0"})", ""), HasSubstr("must be an integer"));
  EXPECT_THAT(byte_bpe_refusal(kVocab, "a b\nab\n"),
              HasSubstr("merges.txt: line 2 must be two pieces"));
  EXPECT_THAT(byte_bpe_refusal(kVocab, "a b c\n"), HasSubstr("line 1"));
  EXPECT_THAT(byte_bpe_refusal(kVocab, "a b\n\n# #\n"), HasSubstr("line 2"));
  EXPECT_THAT(byte_bpe_refusal(kVocab, "a #\n"),
              AllOf(HasSubstr("'a #' needs the piece 'a#'"), HasSubstr("of one model?")));
  EXPECT_THAT(byte_bpe_refusal(kVocab, "\xFF b\n"), HasSubstr("needs the piece"));
}

TEST(ByteBpeFilesTest, WritesOnlyWhatTheFilesCanHold) {
  const testing::TemporaryFolder folder;
  const auto complaint = [&](const json& model) -> std::string {
    try {
      write_byte_bpe_files(folder.path(), {{"model", model}});
    } catch (const std::runtime_error& error) {
      EXPECT_FALSE(std::filesystem::exists(folder / "vocab.json"));
      return error.what();
    }
    return "written";
  };
  EXPECT_THAT(complaint({{"type", "WordPiece"}}), HasSubstr("BPE models only"));
  json model = {{"type", "BPE"}, {"vocab", {{" ", 0}, {"a", 1}, {" a", 2}}}};
  EXPECT_THAT(complaint(model), HasSubstr("'merges' is missing"));
  model["merges"] = json::array({json::array({" ", "a"})});
  EXPECT_THAT(complaint(model), HasSubstr("a piece has a space"));
}

}  // namespace
}  // namespace zoo
