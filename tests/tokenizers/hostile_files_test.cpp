// Files that are broken, foreign or made up: one clear line, never a crash.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/tokenizers/texts.h"
#include "tokenizers/sentencepiece/sentencepiece.h"
#include "tokenizers/tokenizer.h"

namespace zoo {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;

/// Loads a folder that holds one file of these bytes and says what is complained of.
std::string complaint(const std::string& name, const std::string& bytes) {
  const testing::TemporaryFolder folder;
  write_file(folder / name, bytes);
  try {
    load_tokenizer(folder.path());
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr(folder.path().string()), Not(HasSubstr("\n"))));
    return error.what();
  }
  return "loaded";
}

std::string golden_model() { return read_file("tests/golden/tokenizers/bpe.model"); }

json golden_characters() {
  return json::parse(read_file("tests/golden/tokenizers/characters.json"))["tokenizer_json"];
}

TEST(HostileFilesTest, FoldersThatAreNoneOrHoldNoTokenizerSayWhatWasExpected) {
  EXPECT_THAT(
      [] { load_tokenizer("/no/such/folder"); },
      ThrowsMessage<std::runtime_error>(HasSubstr("no such folder; train_tokenizer makes one")));
  EXPECT_THAT([] { load_tokenizer("CMakeLists.txt"); },
              ThrowsMessage<std::runtime_error>(HasSubstr("not a folder")));
  EXPECT_THAT(complaint("readme.txt", "hello"),
              HasSubstr("vocab.txt, or one .tiktoken file; found readme.txt"));
}

TEST(HostileFilesTest, RefusesEveryTruncationOfAModel) {
  const std::string model = golden_model();
  for (size_t size = 0; size < model.size(); size += 1 + size / 10) {
    EXPECT_THAT(complaint("tokenizer.model", model.substr(0, size)), Not("loaded")) << size;
  }
}

TEST(HostileFilesTest, RefusesModelsWithRepeatedPieces) {
  const std::string model = golden_model();
  EXPECT_THAT(complaint("tokenizer.model", model + model), HasSubstr("tokenizer.model: "));
}

TEST(HostileFilesTest, RefusesFilesOfOtherKindsNamedModel) {
  EXPECT_THAT(complaint("tokenizer.model", "just some text\n"),
              HasSubstr("not a whole SentencePiece model"));
  EXPECT_THAT(complaint("tokenizer.model", ""), HasSubstr("it has no pieces"));
}

TEST(HostileFilesTest, SurvivesEveryChangedByteOfAModel) {
  const std::string model = golden_model();
  std::mt19937 random(4);
  int loaded = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string changed = model;
    changed[random() % changed.size()] = static_cast<char>(random());
    try {
      const SentencePieceTokenizer tokenizer(changed);
      tokenizer.decode(tokenizer.ids("the ship \xF0\x9F\x98\x80 sails\n"));
      ++loaded;
    } catch (const std::runtime_error&) {  // any other exception ends the test
    }
  }
  EXPECT_GT(loaded, 0);  // a changed letter of a piece is still a model
}

TEST(HostileFilesTest, SurvivesDamagedNormalisationRules) {
  const auto lossy = testing::train_on(
      testing::small_text(),
      {.kind = TokenizerKind::kSentencePieceBpe, .vocab_size = 60, .lossy = true});
  const testing::TemporaryFolder folder;
  lossy->save(folder.path());
  const std::string model = read_file(folder / "tokenizer.model");
  ASSERT_GT(model.size(), 200000u);  // the rules are nearly all of it
  std::mt19937 random(6);
  int refused = 0;
  for (int i = 0; i < 200; ++i) {
    std::string changed = model;
    for (int k = 0; k < 8; ++k) changed[random() % changed.size()] = static_cast<char>(random());
    try {
      const SentencePieceTokenizer tokenizer(changed);
      tokenizer.decode(tokenizer.ids("\xEF\xBD\x93\xE3\x8D\xBB e\xCC\x81 \xE2\x91\xA0 \xD7\xA9"));
    } catch (const std::runtime_error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 0);
}

TEST(HostileFilesTest, RefusesJsonThatIsTruncatedOrOfAnotherKind) {
  const std::string text = golden_characters().dump();
  EXPECT_THAT(complaint("tokenizer.json", text.substr(0, text.size() / 2)),
              HasSubstr("not valid JSON"));
  for (const char* other : {"{}", "[]", "3", "{\"model\": 1}"}) {
    EXPECT_THAT(complaint("tokenizer.json", other), HasSubstr("found other JSON")) << other;
  }
  EXPECT_THAT(complaint("tokenizer.json", R"({"model": {"type": 2}})"),
              HasSubstr("model: 'type' must be a string, got number"));
  EXPECT_THAT(complaint("tokenizer.json", R"({"model": {}})"), HasSubstr("its keys tell none"));
  EXPECT_THAT(complaint("tokenizer.json", R"({"model": {"type": "WordPiece", "vocab": {}}})"),
              HasSubstr("WordPiece: expected a number"));
  EXPECT_THAT(complaint("tokenizer.json", R"({"model": {"type": "BPE", "vocab": {}}})"),
              HasSubstr("'merges' is missing"));
}

TEST(HostileFilesTest, RefusesCharacterVocabulariesThatAreNone) {
  const auto with_vocabulary = [](const json& vocabulary) {
    json whole = golden_characters();
    whole["model"]["vocab"] = vocabulary;
    return complaint("tokenizer.json", whole.dump());
  };
  EXPECT_THAT(with_vocabulary({{"a", 0}, {"b", 0}}), HasSubstr("given twice"));
  EXPECT_THAT(with_vocabulary({{"a", 0}, {"b", 7}}), HasSubstr("outside 0 to 1"));
  EXPECT_THAT(with_vocabulary({{"a", 0}, {"b", -1}}), HasSubstr("outside 0 to 1"));
  EXPECT_THAT(with_vocabulary({{"a", 0}, {"bc", 1}}),
              HasSubstr("'bc' in the vocabulary is not one"));
  EXPECT_THAT(with_vocabulary({{"", 0}}), HasSubstr("not one character"));
  EXPECT_THAT(with_vocabulary({{"<unk>", 0}, {"a", 1}}), HasSubstr("'<unk>' in the vocabulary"));
  EXPECT_THAT(with_vocabulary({{"a", 0}, {"<pad>", 1}, {"<s>", 3}, {"</s>", 2}}),
              HasSubstr("<s> is not among the last ids"));
  EXPECT_THAT(with_vocabulary(json::object()), HasSubstr("without characters"));
  EXPECT_THAT(with_vocabulary({{"a", "x"}}), HasSubstr("of another type"));
  EXPECT_THAT(with_vocabulary(json::array({1, 2})), Not("loaded"));
}

/// The small BPE tokenizer's folder with its tokenizer.json changed.
std::string complaint_about(const std::function<void(json&)>& change) {
  const testing::TemporaryFolder folder;
  testing::small_sentencepiece(TokenizerKind::kSentencePieceBpe).save(folder.path());
  json whole = json::parse(read_file(folder / "tokenizer.json"));
  change(whole);
  write_file(folder / "tokenizer.json", whole.dump());
  try {
    load_tokenizer(folder.path());
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("tokenizer.json: "));
    return error.what();
  }
  return "loaded";
}

TEST(HostileFilesTest, TokenizerJsonThatContradictsItsModelIsReadAlone) {
  const auto splits_otherwise = [](const std::function<void(json&)>& change) {
    const testing::TemporaryFolder folder;
    testing::small_sentencepiece(TokenizerKind::kSentencePieceBpe).save(folder.path());
    json whole = json::parse(read_file(folder / "tokenizer.json"));
    change(whole);
    return !SentencePieceTokenizer::accepts(read_file(folder / "tokenizer.model"), whole);
  };
  EXPECT_FALSE(splits_otherwise([](json&) {}));
  EXPECT_FALSE(splits_otherwise([](json& j) { j["post_processor"] = nullptr; }));
  EXPECT_FALSE(splits_otherwise([](json& j) { j["added_tokens"][0]["lstrip"] = true; }));
  EXPECT_TRUE(splits_otherwise([](json& j) { j["normalizer"] = {{"type", "Lowercase"}}; }));
  EXPECT_TRUE(splits_otherwise([](json& j) { j["pre_tokenizer"] = {{"type", "Whitespace"}}; }));
  EXPECT_TRUE(splits_otherwise([](json& j) { j["decoder"] = nullptr; }));
  EXPECT_TRUE(splits_otherwise([](json& j) { j["model"]["byte_fallback"] = false; }));
  EXPECT_TRUE(splits_otherwise([](json& j) { j["model"]["vocab"].erase("t"); }));
  EXPECT_TRUE(splits_otherwise([](json& j) { j["model"]["vocab"]["t"] = 5; }));
  EXPECT_TRUE(splits_otherwise([](json& j) { j["model"]["merges"].erase(0); }));
  EXPECT_TRUE(splits_otherwise([](json& j) { j["added_tokens"][0]["normalized"] = true; }));
  EXPECT_TRUE(splits_otherwise([](json& j) { j.erase("model"); }));
  EXPECT_TRUE(splits_otherwise([](json& j) { j["model"] = 3; }));
  EXPECT_TRUE(splits_otherwise([](json& j) { j = json::array(); }));
}

TEST(HostileFilesTest, ReadsTokenizerJsonBesideADamagedModel) {
  EXPECT_EQ(complaint_about([](json& j) { j["normalizer"] = {{"type", "Lowercase"}}; }), "loaded");
  const testing::TemporaryFolder folder;
  testing::small_sentencepiece(TokenizerKind::kSentencePieceBpe).save(folder.path());
  const auto ids = load_tokenizer(folder.path())->ids("the ship");
  write_file(folder / "tokenizer.model", "damaged");
  std::string said;
  const auto note = [&](std::string_view line) { said += line; };
  EXPECT_EQ(load_tokenizer(folder.path(), {.note = note})->ids("the ship"), ids);
  EXPECT_THAT(said, HasSubstr("tokenizer.model: ignored, only tokenizer.json is read: "));
}

TEST(HostileFilesTest, RefusesDamagedTokensAndTemplatesBesideAModel) {
  EXPECT_EQ(complaint_about([](json&) {}), "loaded");
  EXPECT_EQ(complaint_about([](json& j) { j["added_tokens"][0]["id"] = 9; }),
            "loaded");  // the vocabulary's id counts, as in the reference
  EXPECT_THAT(complaint_about([](json& j) { j["added_tokens"][0]["id"] = "9"; }),
              HasSubstr("is missing or of another type"));
  EXPECT_THAT(complaint_about([](json& j) { j["added_tokens"][0].erase("content"); }),
              HasSubstr("expected a token's text, or an object with its \"content\""));
  EXPECT_THAT(complaint_about(
                  [](json& j) { j["post_processor"]["special_tokens"]["<s>"]["ids"] = {100000}; }),
              HasSubstr("id 100000 is outside the vocabulary"));
}

TEST(HostileFilesTest, TokensAddedPastTheModelGetTheNextIds) {
  const testing::TemporaryFolder folder;
  testing::small_sentencepiece(TokenizerKind::kSentencePieceBpe).save(folder.path());
  json whole = json::parse(read_file(folder / "tokenizer.json"));
  json token = whole["added_tokens"][1];
  token["id"] = testing::kSmallVocabulary;
  token["content"] = "<|user|>";
  whole["added_tokens"].push_back(token);
  write_file(folder / "tokenizer.json", whole.dump());
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->vocab_size(), testing::kSmallVocabulary + 1);
  const auto ids = tokenizer->ids("a<|user|>b");
  EXPECT_EQ(std::count(ids.begin(), ids.end(), testing::kSmallVocabulary), 1);
  EXPECT_EQ(tokenizer->decode(ids), "a<|user|>b");
  EXPECT_EQ(tokenizer->decode(ids, /*skip_special=*/true), "ab");
}

}  // namespace
}  // namespace zoo
