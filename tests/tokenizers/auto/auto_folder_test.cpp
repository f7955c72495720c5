// Folders of `transformers`: their class, and their merged configuration files.
// tests/interop/tokenizer_folder_keys_test.py compares every key with the reference.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/tokenizers/texts.h"
#include "tokenizers/auto/settings.h"
#include "tokenizers/auto/tokenizer_class.h"
#include "tokenizers/tokenizer.h"

namespace zoo {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Ids = std::vector<int32_t>;

std::string class_of(const char* config, const char* tokenizer_config, bool byte_level = false) {
  return tokenizer_class_of(ordered_json::parse(config), ordered_json::parse(tokenizer_config),
                            byte_level)
      .name;
}

TEST(TokenizerClassTest, FollowsTheReferencesOrder) {
  EXPECT_EQ(class_of("{}", "{}"), kGenericClass);
  EXPECT_EQ(class_of(R"({"model_type": "zoo_gpt"})", "{}"), kGenericClass);
  EXPECT_EQ(class_of(R"({"model_type": "gpt2"})", "{}"), "GPT2Tokenizer");
  EXPECT_EQ(class_of("{}", R"({"tokenizer_class": "BartTokenizerFast"})"), "RobertaTokenizer");
  EXPECT_EQ(class_of("{}", R"({"tokenizer_class": "HeronTokenizer"})"), kGenericClass);
  EXPECT_EQ(class_of(R"({"tokenizer_class": "BertTokenizer"})", "{}"), "BertTokenizer");
  const char* const gpt2 = R"({"model_type": "gpt2"})";
  EXPECT_EQ(class_of(gpt2, R"({"tokenizer_class": "PreTrainedTokenizerFast"})"), kGenericClass);
  EXPECT_EQ(class_of(gpt2, R"({"tokenizer_class": "LlamaTokenizer"})"), "LlamaTokenizer");
  EXPECT_EQ(class_of(gpt2, R"({"tokenizer_class": "LlamaTokenizer"})", true), kGenericClass);
  // Registered as the generic one; and one whose folders are known to name a wrong class.
  const char* const bert = R"({"tokenizer_class": "BertTokenizer"})";
  EXPECT_EQ(class_of(R"({"model_type": "glm"})", bert), kGenericClass);
  EXPECT_EQ(class_of(R"({"model_type": "qwen2"})", bert), "Qwen2Tokenizer");
  EXPECT_EQ(class_of(R"({"model_type": "qwen2", "zoo": {}})", bert), "BertTokenizer");  // our own
  EXPECT_EQ(class_of(gpt2, R"({"auto_map": {"AutoTokenizer": [null, "x.Y"]}})"), "GPT2Tokenizer");
  EXPECT_THROW(class_of("{}", R"({"auto_map": {"AutoTokenizer": [null, "x.Y"]}})"),
               std::runtime_error);
}

TEST(TokenizerSettingsTest, TheMapCountsBeforeTheConfig) {
  const TokenizerSettings settings = read_settings(
      {.tokenizer_config = R"({"pad_token": "<a>", "eos_token": "<e>", "unk_token": null,
                               "additional_special_tokens": ["<c>"], "image_token": "<i>"})",
       .special_tokens_map = R"({"pad_token": {"content": "<b>", "lstrip": true}})",
       .added_tokens = R"({"<c>": 7, "<d>": 8})"},
      nullptr);
  EXPECT_EQ(settings.roles.at("pad_token")->text, "<b>");
  EXPECT_TRUE(settings.roles.at("pad_token")->lstrip);
  EXPECT_TRUE(settings.roles.at("pad_token")->special);
  EXPECT_EQ(settings.roles.at("eos_token")->text, "<e>");
  EXPECT_EQ(settings.roles.at("unk_token"), std::nullopt);
  EXPECT_EQ(settings.extra->at(0).text, "<c>");
  EXPECT_EQ(settings.named.at(0).first, "image_token");
  EXPECT_TRUE(settings.added.at(7).special);
  EXPECT_FALSE(settings.added.at(8).special);
  EXPECT_TRUE(settings.added.at(8).token().normalized);
}

TEST(TokenizerSettingsTest, AddedTokensDecoderReplacesTheOlderFiles) {
  const TokenizerSettings settings =
      read_settings({.tokenizer_config = R"({"added_tokens_decoder": {"9": {"content": "<x>",
                                             "lstrip": true, "special": true}},
                                             "mask_token": "<x>"})",
                     .special_tokens_map = R"({"cls_token": "<y>"})",
                     .added_tokens = R"({"<z>": 3})"},
                    nullptr);
  EXPECT_FALSE(settings.roles.contains("cls_token"));
  EXPECT_EQ(settings.added.size(), 1u);
  EXPECT_TRUE(settings.roles.at("mask_token")->lstrip);  // its flags are those of the list
}

TEST(TokenizerSettingsTest, RefusesWhatItDoesNotHonour) {
  const auto refusal = [](const char* config) -> std::string {
    try {
      read_settings({.tokenizer_config = config}, nullptr);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "read";
  };
  EXPECT_EQ(refusal(R"({"model_max_length": 5, "vocab": null, "anything": [1]})"), "read");
  EXPECT_EQ(refusal(R"({"fast_tokenizer_files": ["tokenizer.json"]})"), "read");
  EXPECT_THAT(refusal(R"({"vocab": {"a": 0}})"), HasSubstr("vocab is not supported"));
  EXPECT_THAT(refusal(R"({"init_inputs": [1]})"), HasSubstr("init_inputs is not supported"));
  EXPECT_THAT(refusal(R"({"fast_tokenizer_files": ["tokenizer.4.0.json"]})"),
              HasSubstr("fast_tokenizer_files is not supported"));
  EXPECT_THAT(refusal(R"({"padding_side": "middle"})"), HasSubstr("padding_side"));
  EXPECT_THAT(refusal(R"({"bos_token": 3})"), HasSubstr("bos_token: expected a token's text"));
  EXPECT_THAT(refusal("{"), HasSubstr("tokenizer_config.json: expected a JSON object"));
}

constexpr const char* kVocab = R"({"a": 0, "b": 1, "ab": 2, "<|endoftext|>": 3})";

/// A GPT-2's vocab.json and merges.txt with more files beside them.
std::unique_ptr<Tokenizer> gpt2_with(const std::map<std::string, std::string>& files) {
  const testing::TemporaryFolder folder;
  write_file(folder / "vocab.json", kVocab);
  write_file(folder / "merges.txt", "a b\n");
  for (const auto& [name, text] : files) write_file(folder / name, text);
  return load_tokenizer(folder.path());
}

TEST(AutoFolderTest, AddedTokensOfAGpt2AreFound) {
  const auto tokenizer =
      gpt2_with({{"tokenizer_config.json", R"({"tokenizer_class": "GPT2Tokenizer"})"},
                 {"added_tokens.json", R"({"<|user|>": 4, "<|bot|>": 5})"},
                 {"special_tokens_map.json", R"({"pad_token": "<|bot|>"})"}});
  EXPECT_THAT(tokenizer->ids("<|user|>ab<|bot|>"), ElementsAre(4, 2, 5));
  EXPECT_EQ(tokenizer->pad_id(), 5);
  EXPECT_TRUE(tokenizer->is_special(5));
  EXPECT_FALSE(tokenizer->is_special(4));
  EXPECT_EQ(tokenizer->eos_id(), 3);
  const testing::TemporaryFolder saved;
  tokenizer->save(saved.path());
  EXPECT_EQ(fingerprint(*load_tokenizer(saved.path())), fingerprint(*tokenizer));
}

TEST(AutoFolderTest, AGpt2ThatSaysSoStaysOneWhateverItsTokensAreCalled) {
  const testing::TemporaryFolder folder;
  write_file(folder / "vocab.json", R"({"<s>": 0, "</s>": 1, "<mask>": 2, "a": 3})");
  write_file(folder / "merges.txt", "");
  EXPECT_THAT(load_tokenizer(folder.path())->ids("a", {.add_special = true}), ElementsAre(0, 3, 1));
  write_file(folder / "tokenizer_config.json",
             R"({"tokenizer_class": "GPT2Tokenizer", "bos_token": "<s>", "eos_token": "</s>"})");
  EXPECT_THAT(load_tokenizer(folder.path())->ids("a", {.add_special = true}), ElementsAre(3));
}

TEST(AutoFolderTest, AClassTakesTheVocabularyOfATokenizerJsonAlone) {
  const testing::TemporaryFolder folder;
  write_file(folder / "tokenizer.json", R"({"version": "1.0", "added_tokens": [],
    "normalizer": null, "pre_tokenizer": {"type": "Whitespace"}, "model": {"type": "WordPiece",
    "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
    "vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "a": 3}}})");
  EXPECT_THAT(load_tokenizer(folder.path())->ids("A", {.add_special = true}), ElementsAre(0));
  write_file(folder / "tokenizer_config.json", R"({"tokenizer_class": "BertTokenizer"})");
  EXPECT_THAT(load_tokenizer(folder.path())->ids("A", {.add_special = true}), ElementsAre(1, 3, 2));
  write_file(folder / "tokenizer_config.json",
             R"({"tokenizer_class": "BertTokenizer", "do_lower_case": false})");
  EXPECT_THAT(load_tokenizer(folder.path())->ids("A"), ElementsAre(0));
}

TEST(AutoFolderTest, SpecialTokensMayBeSplitAndTextCleanedUp) {
  const std::string config = R"({"tokenizer_class": "GPT2Tokenizer", "split_special_tokens": true,
    "additional_special_tokens": ["ba"], "added_tokens_decoder": {"9": {"content": "bb",
    "special": false, "normalized": false}}})";
  EXPECT_THAT(gpt2_with({{"tokenizer_config.json", config}})->ids("babb"), ElementsAre(1, 0, 4));
  const testing::TemporaryFolder folder;
  write_file(folder / "vocab.txt", "[UNK]\n[CLS]\n[SEP]\n[PAD]\n[MASK]\nit\n'\ns\n.\n");
  write_file(folder / "tokenizer_config.json",
             R"({"tokenizer_class": "BertTokenizer", "clean_up_tokenization_spaces": true})");
  EXPECT_EQ(load_tokenizer(folder.path())->decode(Ids{5, 6, 7, 8}), "it's.");
}

TEST(AutoFolderTest, RefusalsNameTheFolderAndWhatIsNeeded) {
  const auto refusal = [](const std::map<std::string, std::string>& files) -> std::string {
    try {
      gpt2_with(files);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "loaded";
  };
  const auto of_class = [&](const std::string& name) {
    return refusal({{"tokenizer_config.json", R"({"tokenizer_class": ")" + name + "\"}"}});
  };
  EXPECT_EQ(of_class("GPT2Tokenizer"), "loaded");
  EXPECT_THAT(of_class("WhisperTokenizer"), HasSubstr("WhisperTokenizer is not supported; known"));
  EXPECT_THAT(of_class("BertTokenizer"),
              HasSubstr("BertTokenizer needs tokenizer.json or vocab.txt; found"));
  EXPECT_THAT(refusal({{"config.json", "["}}), HasSubstr("config.json: expected a JSON object"));
}

}  // namespace
}  // namespace zoo
