#include "tokenizers/families/bert_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/files.h"
#include "tests/support/temporary_folder.h"
#include "tokenizers/auto/auto_document.h"

namespace zoo {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr std::string_view kVocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\n##s\n";

std::string bert_text(std::string_view vocab, const std::string& config) {
  const TokenizerSettings settings = read_settings({.tokenizer_config = config}, nullptr);
  return class_document("BertTokenizer", settings, vocabulary_of_lines(vocab)).tokenizer_json;
}

json bert_json(std::string_view vocab, const json& config = json::object()) {
  return json::parse(bert_text(vocab, config.dump()));
}

std::string bert_refusal(std::string_view vocab, const std::string& config) {
  try {
    bert_text(vocab, config);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(BertFilesTest, DescribeBertsStages) {
  const json made = json::parse(bert_text(kVocabulary, ""));
  EXPECT_EQ(made["normalizer"], json::parse(R"({"type": "BertNormalizer", "clean_text": true,
      "handle_chinese_chars": true, "strip_accents": null, "lowercase": true})"));
  EXPECT_EQ(made["pre_tokenizer"]["type"], "BertPreTokenizer");
  EXPECT_EQ(made["decoder"],
            json::parse(R"({"type": "WordPiece", "prefix": "##", "cleanup": true})"));
  EXPECT_EQ(made["model"]["vocab"]["##s"], 6);
  EXPECT_EQ(made["post_processor"]["special_tokens"]["[SEP]"]["ids"], json::array({3}));
  EXPECT_EQ(made["post_processor"]["pair"].back(),
            json::parse(R"({"SpecialToken": {"id": "[SEP]", "type_id": 1}})"));
  EXPECT_EQ(made["added_tokens"].size(), 5u);
  EXPECT_EQ(made["added_tokens"][4]["content"], "[MASK]");
}

TEST(BertFilesTest, ReadTheConfigsRules) {
  const json made = bert_json(
      kVocabulary,
      {{"do_lower_case", false}, {"strip_accents", true}, {"tokenize_chinese_chars", false}});
  EXPECT_EQ(made["normalizer"]["lowercase"], false);
  EXPECT_EQ(made["normalizer"]["strip_accents"], true);
  EXPECT_EQ(made["normalizer"]["handle_chinese_chars"], false);
}

TEST(BertFilesTest, GiveMissingSpecialTokensTheNextIds) {
  const json made = bert_json("[CLS]\n[SEP]\n[UNK]\na\n");
  EXPECT_EQ(made["added_tokens"][3]["content"], "[PAD]");
  EXPECT_EQ(made["added_tokens"][3]["id"], 4);
  EXPECT_EQ(made["added_tokens"][4]["content"], "[MASK]");
  EXPECT_EQ(made["added_tokens"][4]["id"], 5);
}

TEST(BertFilesTest, TheLastOfEqualLinesCounts) {
  const json made = bert_json("a\nb\na\n\n\n");
  EXPECT_EQ(made["model"]["vocab"], json::parse(R"({"b": 1, "a": 2, "": 4})"));
}

std::map<std::string, int> added_ids(const json& document) {
  std::map<std::string, int> ids;
  for (const json& token : document["added_tokens"]) ids[token["content"]] = token["id"];
  return ids;
}

// The ids are those of AutoTokenizer in transformers 5.23.
TEST(BertFilesTest, NewTokensCountFromTheDifferentPiecesOn) {
  const json config = {{"additional_special_tokens", {"<x>"}},
                       {"added_tokens_decoder", {{"9", {{"content", "<y>"}}}}}};
  const std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\na\nb\n";
  EXPECT_EQ(added_ids(bert_json(vocabulary, config)), (std::map<std::string, int>{{"[PAD]", 0},
                                                                                  {"[UNK]", 1},
                                                                                  {"[CLS]", 2},
                                                                                  {"[SEP]", 3},
                                                                                  {"[MASK]", 4},
                                                                                  {"<y>", 7},
                                                                                  {"<x>", 8}}));
  EXPECT_EQ(added_ids(bert_json("a\nb\na\n\n\n")),
            (std::map<std::string, int>{
                {"[UNK]", 3}, {"[SEP]", 4}, {"[PAD]", 5}, {"[CLS]", 6}, {"[MASK]", 7}}));
}

TEST(BertFilesTest, RefuseDamagedFiles) {
  EXPECT_THAT(bert_refusal("a\n\xFF\n", ""), HasSubstr("byte 2 is not"));
  EXPECT_THAT(bert_refusal(kVocabulary, "{"), HasSubstr("expected a JSON object"));
  EXPECT_THAT(bert_refusal(kVocabulary, "[]"), HasSubstr("expected a JSON object"));
  EXPECT_THAT(bert_refusal(kVocabulary, R"({"do_lower_case": "yes"})"), HasSubstr("true or false"));
  EXPECT_THAT(bert_refusal(kVocabulary, R"({"cls_token": null})"), HasSubstr("cls_token is null"));
  EXPECT_THAT(bert_refusal(kVocabulary, R"({"pad_token": 5})"),
              HasSubstr("pad_token: expected a token's text"));
  EXPECT_THAT(bert_refusal(kVocabulary, R"({"added_tokens_decoder": {"x": {"content": "y"}}})"),
              HasSubstr("expected ids as keys, got 'x'"));
  EXPECT_THAT(bert_refusal(kVocabulary, R"({"added_tokens_decoder": 5})"),
              HasSubstr("added_tokens_decoder: expected a JSON object"));
  EXPECT_THAT(bert_refusal(kVocabulary, R"({"additional_special_tokens": 5})"),
              HasSubstr("additional_special_tokens: expected a list of tokens"));
}

TEST(BertFilesTest, VocabularyComesBack) {
  const testing::TemporaryFolder folder;
  write_vocab_txt(folder.path(), bert_json(kVocabulary));
  EXPECT_EQ(read_file(folder.path() / "vocab.txt"), kVocabulary);
  write_vocab_txt(folder.path(), bert_json("a\nb\nc\n"));
  EXPECT_EQ(bert_json(read_file(folder.path() / "vocab.txt")), bert_json("a\nb\nc\n"));
}

TEST(BertFilesTest, WriteNothingThatWouldReadOtherwise) {
  const testing::TemporaryFolder folder;
  for (const json& vocab : {json{{"a b\n", 0}}, json{{"a ", 0}}, json{{"a", 1'000'000}},
                            json{{"a", 3}, {"b", 3}}, json{{"a", -1}}}) {
    write_vocab_txt(folder.path(), {{"model", {{"vocab", vocab}}}});
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "vocab.txt")) << vocab;
  }
}

}  // namespace
}  // namespace zoo
