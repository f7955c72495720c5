// Folders of MarianTokenizer. Goldens: tests/golden/sentencepiece_files.py.
#include "tokenizers/sentencepiece/marian.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/tokenizers/texts.h"
#include "tokenizers/tokenizer.h"

namespace zoo {
namespace {

using nlohmann::json;
using Side = MarianTokenizer::Side;
using Ids = std::vector<int32_t>;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

std::string golden_file(const std::string& name) {
  return read_file("tests/golden/tokenizers/" + name);
}

const json& marian_golden() {
  static const json parsed = json::parse(golden_file("marian.json"));
  return parsed;
}

MarianTokenizer tokenizer_of(Side side, const json& vocabulary = marian_golden()["vocab"],
                             const json& config = marian_golden()["config"]) {
  return MarianTokenizer(golden_file("unigram.model"), golden_file("bpe.model"), vocabulary.dump(),
                         config.dump(), side);
}

TEST(MarianTest, EncodesBothSidesAsTransformersDoes) {
  const auto source = tokenizer_of(Side::kSource), target = tokenizer_of(Side::kTarget);
  for (const json& entry : marian_golden()["cases"]) {
    const std::string text = entry["text"];
    EXPECT_EQ(source.ids(text, {.add_special = true}), entry["source"].get<Ids>()) << entry;
    EXPECT_EQ(target.ids(text, {.add_special = true}), entry["target"].get<Ids>()) << entry;
  }
  EXPECT_EQ(encode_pair(source, "the ship", "one moon", {.add_special = true}).ids,
            marian_golden()["pair"].get<Ids>());
}

TEST(MarianTest, DecodesAsTransformersDoes) {
  const auto tokenizer = tokenizer_of(Side::kTarget);
  for (const json& entry : marian_golden()["decoded"]) {
    const Ids ids = entry["ids"];
    EXPECT_EQ(tokenizer.decode(ids), entry["text"]) << entry;
    EXPECT_EQ(tokenizer.decode(ids, /*skip_special=*/true), entry["bare"]) << entry;
  }
}

TEST(MarianTest, ALanguageCodeIsOnePieceWithItsPlace) {
  const auto tokenizer = tokenizer_of(Side::kSource);
  const Encoding found = tokenizer.encode(">>fra<< the ship");
  ASSERT_EQ(found.ids.size(), 3u);
  EXPECT_EQ(found.ids[0], tokenizer.id_of(">>fra<<"));
  EXPECT_THAT(found.offsets, ElementsAre(Pair(0, 7), Pair(8, 11), Pair(11, 16)));
  EXPECT_THAT(found.words, ElementsAre(0, 1, 2));
  EXPECT_THAT(found.type_ids, ElementsAre(0, 0, 0));
}

TEST(MarianTest, NamesRolesAndPieces) {
  const auto tokenizer = tokenizer_of(Side::kSource);
  EXPECT_EQ(tokenizer.kind(), "marian");
  EXPECT_EQ(tokenizer.eos_id(), 0);
  EXPECT_EQ(tokenizer.unk_id(), 1);
  EXPECT_EQ(tokenizer.pad_id(), marian_golden()["vocab"]["<pad>"].get<int32_t>());
  EXPECT_EQ(tokenizer.bos_id(), std::nullopt);
  EXPECT_TRUE(tokenizer.is_special(0));
  EXPECT_EQ(tokenizer.piece_of(tokenizer.vocab_size() - 1), "<new>");  // of the configuration
  EXPECT_EQ(tokenizer.bytes_of(*tokenizer.id_of("\xE2\x96\x81ship")), " ship");
  EXPECT_EQ(tokenizer.bytes_of(0), "</s>");
  for (const int32_t id : {-1, tokenizer.vocab_size()}) {
    EXPECT_THROW(tokenizer.piece_of(id), std::out_of_range);
    EXPECT_THROW(tokenizer.is_special(id), std::out_of_range);
    EXPECT_THROW(tokenizer.decode(Ids{id}), std::out_of_range);
  }
}

TEST(MarianTest, LoadedEqualsSavedOnBothSides) {
  const testing::TemporaryFolder folder;
  tokenizer_of(Side::kSource).save(folder.path());
  for (const bool target : {false, true}) {
    const auto loaded = load_tokenizer(folder.path(), {.target = target});
    const auto saved = tokenizer_of(target ? Side::kTarget : Side::kSource);
    EXPECT_EQ(fingerprint(*loaded), fingerprint(saved));
    EXPECT_EQ(loaded->ids("the captain's moon"), saved.ids("the captain's moon"));
  }
}

std::string marian_complaint(const json& vocabulary, const json& config = json::object()) {
  try {
    tokenizer_of(Side::kSource, vocabulary, config);
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
    return error.what();
  }
  return "read";
}

TEST(MarianTest, RefusesFilesThatAreDamagedOrMeanMore) {
  const json small = {{"</s>", 0}, {"<unk>", 1}, {"a", 2}, {"<pad>", 3}};
  EXPECT_EQ(marian_complaint(small), "read");
  EXPECT_THAT(marian_complaint(json::array()), HasSubstr("vocab.json: expected a JSON object"));
  EXPECT_THAT(marian_complaint(json::object()), HasSubstr("vocab.json: expected a JSON object"));
  EXPECT_THAT(marian_complaint({{"</s>", 0}, {"<unk>", 0}}), HasSubstr("given twice"));
  for (const json& id : {json(-1), json(2), json(1.5), json("1"), json()}) {
    EXPECT_THAT(marian_complaint({{"</s>", 0}, {"<unk>", id}}),
                AllOf(HasSubstr("'<unk>'"), HasSubstr("outside 0 to 1")));
  }
  EXPECT_THAT(marian_complaint({{"</s>", 0}, {"a", 1}}),
              HasSubstr("expected unk_token '<unk>' in it"));
  EXPECT_THAT(marian_complaint(small, {{"pad_token", "[PAD]"}}), HasSubstr("pad_token '[PAD]'"));
  EXPECT_THAT(marian_complaint(small, {{"eos_token", 3}}),
              HasSubstr("expected a token's text, found 3"));
  EXPECT_THAT(marian_complaint(small, json::array()), HasSubstr("is not a JSON object"));
  EXPECT_THAT(marian_complaint(small, {{"separate_vocabs", true}}), HasSubstr("separate_vocabs"));
  EXPECT_THAT(marian_complaint(small, {{"sp_model_kwargs", {{"alpha", 0.1}}}}),
              HasSubstr("sp_model_kwargs"));
  EXPECT_THAT(marian_complaint(small, {{"added_tokens_decoder", {{"2", {{"content", "b"}}}}}}),
              HasSubstr("added token 'b' has id 2"));
  EXPECT_THAT(
      marian_complaint(small, {{"added_tokens_decoder", {{"999999999", {{"content", "b"}}}}}}),
      HasSubstr("added token 'b' has id 999999999"));
  EXPECT_EQ(marian_complaint(small, {{"eos_token", nullptr}}), "read");  // as if it were not there
  EXPECT_THAT(([&] {
                try {
                  MarianTokenizer("x", golden_file("bpe.model"), small.dump(), "", Side::kSource);
                } catch (const std::runtime_error& error) {
                  return std::string(error.what());
                }
                return std::string();
              }()),
              HasSubstr("source.spm: not a whole SentencePiece model"));
}

TEST(MarianTest, SurvivesChangedVocabulariesAndConfigurations) {
  const std::string vocabulary = marian_golden()["vocab"].dump();
  const std::string config = R"({"eos_token": {"content": "</s>"}, "unk_token": "<unk>",
      "added_tokens_decoder": {"0": {"content": "</s>", "special": true}}})";
  const std::string source = golden_file("unigram.model"), target = golden_file("bpe.model");
  std::mt19937 random(5);
  for (int i = 0; i < 300; ++i) {
    std::string changed[] = {vocabulary, config};
    std::string& one = changed[random() % 2];
    for (unsigned k = 1 + random() % 3; k > 0; --k) {
      one[random() % one.size()] = static_cast<char>(random() % 128);
    }
    try {
      const MarianTokenizer tokenizer(source, target, changed[0], changed[1], Side::kTarget);
      tokenizer.decode(tokenizer.ids(">>fra<< the \xFF moon</s>", {.add_special = true}));
    } catch (const std::runtime_error&) {  // any other exception ends the test
    }
  }
}

}  // namespace
}  // namespace zoo
