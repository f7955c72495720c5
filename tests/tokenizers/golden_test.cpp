// Against what Python's packages gave: tests/golden/tokenizer_files.py makes the files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "tests/support/temporary_folder.h"
#include "tokenizers/sentencepiece/sentencepiece.h"
#include "tokenizers/tokenizer.h"

namespace zoo {
namespace {

using nlohmann::json;

const std::filesystem::path kGolden = "tests/golden/tokenizers";

class GoldenTest : public ::testing::TestWithParam<std::string> {
 protected:
  std::vector<json> cases() const {
    std::vector<json> found;
    for (const json& entry : json::parse(read_file(kGolden / "cases.json"))) {
      if (entry["model"] == GetParam()) found.push_back(entry);
    }
    EXPECT_GT(found.size(), 20u);
    return found;
  }
  std::string model() const { return read_file(kGolden / (GetParam() + ".model")); }
};

TEST_P(GoldenTest, RawModelsGiveTheIdsAndTextOfThePythonPackage) {
  const SentencePieceTokenizer tokenizer(model());
  for (const json& entry : cases()) {
    const std::string text = entry["text"];
    const auto ids = tokenizer.ids(text);
    EXPECT_EQ(ids, entry["ids"].get<std::vector<int32_t>>()) << entry;
    if (!entry["decoded"].is_null()) {
      EXPECT_EQ(tokenizer.decode(ids), entry["decoded"]) << entry;
    }
  }
}

TEST_P(GoldenTest, SavedAndLoadedModelsGiveTheSameIds) {
  const testing::TemporaryFolder folder;
  SentencePieceTokenizer(model()).save(folder.path());
  const auto loaded = load_tokenizer(folder.path());
  for (const json& entry : cases()) {
    const auto ids = loaded->ids(entry["text"].get<std::string>(), {.recognise_added = false});
    EXPECT_EQ(ids, entry["ids"].get<std::vector<int32_t>>()) << entry;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, GoldenTest, ::testing::Values("bpe", "unigram"),
                         [](const auto& info) { return info.param; });

TEST(GoldenLlamaTest, SplittingIsDescribedAsLlamaFoldersDescribeIt) {
  const auto model = parse_sentencepiece_model(read_file(kGolden / "bpe.model"));
  const TokenizerJson parts = sentencepiece_to_json(model);
  EXPECT_EQ(json(parts.normalizer), json::parse(R"({"type": "Sequence", "normalizers": [
      {"type": "Prepend", "prepend": "▁"},
      {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]})"));
  EXPECT_EQ(json(parts.decoder), json::parse(R"({"type": "Sequence", "decoders": [
      {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
      {"type": "ByteFallback"}, {"type": "Fuse"},
      {"type": "Strip", "content": " ", "start": 1, "stop": 0}]})"));
  EXPECT_TRUE(parts.pre_tokenizer.is_null());
}

TEST(GoldenCharacterTest, ReadsTheFileThatTheTokenizersPackageReads) {
  const json golden = json::parse(read_file(kGolden / "characters.json"));
  const testing::TemporaryFolder folder;
  write_file(folder / "tokenizer.json", golden["tokenizer_json"].dump());
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->kind(), "character");
  EXPECT_EQ(tokenizer->ids(golden["text"].get<std::string>()),
            golden["ids"].get<std::vector<int32_t>>());
}

}  // namespace
}  // namespace zoo
